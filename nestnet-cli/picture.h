/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_CLI_PICTURE_H
#define NESTNET_CLI_PICTURE_H

/* The picture of a state, as a tree and for Graphviz: from the uplinks through aliases and
 * exposures to bridges, ports and guests, with what is wrong marked. */

#include "output.h"

/** Prints the picture. @param state  the object that status prints */
int picture_print(struct cli *cli, const json_t *state, bool is_dot);

#endif
