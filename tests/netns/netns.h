/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_NETNS_H
#define NESTNET_TESTS_NETNS_H

/*
 * Tests on a real kernel, each in a network namespace of its own, made for it and gone with
 * it. A test speaks through the public API and looks with other eyes: ip, nft and /proc.
 */

#include "unit/harness.h"

#include <nestnet/nestnet.h>
#include <stdbool.h>

/** The context of the test's namespace. */
extern struct nestnet *ctx;

/** A case whose tests start in a fresh namespace, with lo alone, down. */
TCase *netns_case(Suite *suite, const char *name, double seconds);

/** As harness_run(); 77 where namespaces cannot be made and nobody said they can be. */
int netns_run(Suite *suite);

/** The same, but with all tests in this one process. */
int netns_run_in_one(Suite *suite);

/** Leaves the namespace for another fresh one, with a new context. */
void netns_fresh(void);

/** How many namespaces this process was in. */
unsigned int netns_count(void);

/* ---- Looking ------------------------------------------------------------------------- */

/** Runs a shell command, which must succeed. */
void sh(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Its output, to be freed; it must succeed. */
char *sh_output(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** How many entries a directory has. */
unsigned int count_entries(const char *path);

/** A shell command's exit status. */
int sh_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * The namespace in words: ruleset, links, addresses, the settings that forwarding touches.
 * What changes by itself (timers, carrier) is left out, and elements are sorted.
 * @return to be freed
 */
char *snapshot(void);

/** Where two snapshots differ, in words to be freed; NULL: they do not. */
char *snapshots_difference(const char *before, const char *after);

/** Fails where two snapshots differ. @param after  NULL: as it is now */
void snapshots_equal(const char *before, const char *after, const char *what);

/** The ruleset's generation. */
uint32_t generation(void);

/** A number of /proc/sys/net/FILE, and writing it. */
int setting(const char *file);
void set_setting(const char *file, int value);

/** Elements of a set of ours, as nft prints them without the braces, sorted; "": none.
 *  Static, until the next call. */
const char *elements_of(const char *set);

/* Lists through the API, a line a row; static, until the next call of the same. */
const char *exposures(void);
const char *taps(void);
const char *bridges(void);
const char *nats(void);

/* ---- Doing ---------------------------------------------------------------------------- */

/** Parsers that must succeed. */
struct nestnet_endpoint alias_of(const char *text);
struct nestnet_endpoint target_of(const char *text);
struct nestnet_prefix prefix_of(const char *text);
struct nestnet_address address_of(const char *text);

/** A new transaction on ctx; and its commit, which frees it. */
struct nestnet_transaction *begin(void);
int commit(struct nestnet_transaction *tx);

/* Requests into a transaction, each of which must be taken. */
void add_expose(struct nestnet_transaction *tx, const char *alias, const char *target,
		unsigned int flags);
void add_nat(struct nestnet_transaction *tx, const char *subnet, unsigned int flags);
void add_tap(struct nestnet_transaction *tx, const char *name, const char *bridge);
void add_bridge(struct nestnet_transaction *tx, const char *name, const char *address);

/* Transactions of one request. @return the commit's result */
int expose(const char *alias, const char *target, unsigned int flags);
int expose_with(const char *alias, const char *target,
		const struct nestnet_expose_options *options);
int unexpose(const char *alias, unsigned int flags);
int unexpose_target(const char *target, unsigned int flags);
int nat_add(const char *subnet, const struct nestnet_nat_options *options);
int nat_del(const char *subnet, unsigned int flags);
int tap_add(const char *name, const struct nestnet_tap_options *options);
int tap_del(const char *name, unsigned int flags);
int bridge_add(const char *name, const struct nestnet_bridge_options *options);
int bridge_del(const char *name, unsigned int flags);
int attach(const char *bridge, const char *ifname, unsigned int flags);
int detach(const char *ifname, unsigned int flags);
int forward_set(const char *ifname, int family, int is_on);
int clear(void);

/** MAC addresses that differ in their last byte; static. */
const uint8_t *mac_of(uint8_t last);

/** What the transaction would change, a line each; static. */
const char *plan_of(struct nestnet_transaction *tx);

/* The result is 0. */
#define ok(call)                                                              \
	do {                                                                  \
		int ok_result = (call);                                       \
		ck_assert_msg(ok_result == 0, "%s: %d: %s", #call, ok_result, \
			      nestnet_errmsg(ctx));                           \
	} while (0)

/* The result is this error, with this sentence. */
#define refused(call, code, sentence)                                         \
	do {                                                                  \
		int refused_result = (call);                                  \
		ck_assert_msg(refused_result == -(code), "%s: %d: %s", #call, \
			      refused_result, nestnet_errmsg(ctx));           \
		ck_assert_str_eq(nestnet_errmsg(ctx), sentence);              \
	} while (0)

/** Nothing is changed by the call, but that there may be a later generation. */
#define changes_but_generation(call)                          \
	do {                                                  \
		char *nothing_before = snapshot();            \
		call;                                         \
		snapshots_equal(nothing_before, NULL, #call); \
		free(nothing_before);                         \
	} while (0)

/** Nothing at all is changed by the call, the generation neither. */
#define changes_nothing(call)                                     \
	do {                                                      \
		char *nothing_before = snapshot();                \
		uint32_t nothing_generation = generation();       \
		call;                                             \
		snapshots_equal(nothing_before, NULL, #call);     \
		ck_assert_msg(generation() == nothing_generation, \
			      "%s: another generation", #call);   \
		free(nothing_before);                             \
	} while (0)

#endif
