/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_ATTEMPTS_H
#define NESTNET_TESTS_ATTEMPTS_H

/* Commits of every kind, each with what it finds and with what takes it back. */

#include <stdbool.h>

struct attempt {
	const char *name;
	void (*arrange)(void);
	int (*act)(void);
	int (*back)(void); /* NULL: in another namespace, then */
	/* It deletes links, or ends flows behind that: not to be undone even after one
	 * failure, if it says so. */
	bool is_final;
};

/** In the order that test-fault.c names them by. */
extern const struct attempt attempts[];

#endif
