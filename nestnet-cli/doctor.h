/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_DOCTOR_H
#define NESTNET_CLI_DOCTOR_H

#include "command.h"

/** Looks once at what other software has in the way of an exposure that was just made, and
 *  says one line about the first that will stop it. @return whether it did, or
 *  could not look */
bool doctor_warn(const struct cli *cli, const struct nestnet_endpoint *alias);

#endif
