/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_COMMAND_H
#define NESTNET_COMMAND_H

/* Requests as the commands of nestnet(1) that make them: for the notes of a plan, for save,
 * and to tell whether two requests say the same. */

#include "plan/plan.h"
#include "plan/request.h"

/** Of what adds something. @return allocated, or NULL: out of memory */
char *command_format(const struct request *request);

/** The options alone of an exposure or a subnet, each with a blank before it; "": none. */
char *command_format_options(const struct request *request);

/** The target without the port where that is the alias's. @return buf */
const char *command_format_target(const struct expose_request *expose, char *buf);

/** The command's words without its options and what they lead to, as sentences begin:
 *  "expose 10.128.0.13". @return the length of its verb, "expose" */
size_t command_name(const struct request *request, char *buf, size_t size);

/** Says that the plan makes (+) what the request asks for, or takes it away (-). */
int command_note(struct plan *plan, char op, const struct request *request);

/** Lets go of what the plan's commands were written in. @return NULL */
struct words *command_free_words(struct words *words);

#endif
