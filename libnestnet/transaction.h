/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TRANSACTION_H
#define NESTNET_TRANSACTION_H

/*
 * Requests, and the one way in which anything changes: a commit plans all of them and
 * executes the plan. The nouns' public functions validate and queue; transaction.c turns
 * one request into the steps of several nouns, so that no noun calls another.
 */

#include "plan/context.h"
#include "plan/request.h"

struct nestnet_transaction;

/** The context, its last error forgotten: what each queueing function does first. */
struct nestnet *transaction_begin(struct nestnet_transaction *tx);

/**
 * Queues a copy of the request, and takes what it owns, on failure too.
 * @return 0, or the public code of a failure
 */
int transaction_add(struct nestnet_transaction *tx, const struct request *request);

/**
 * Queues a request that has but a link's name and flags (request->link).
 * @param what     how the command is called, such as "tap del"
 * @param allowed  the flags that it can have
 */
int transaction_add_link(struct nestnet_transaction *tx, enum request_kind kind,
			 const char *what, const char *name, unsigned int flags,
			 unsigned int allowed);

/** Refuses a request: sets the sentence. @return the public code */
int transaction_refuse(struct nestnet_transaction *tx, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
