/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_ACL_RULE_H
#define NESTNET_ACL_RULE_H

/* One rule of an ACL: its words, as values of fixed size. */

#include "privileges.h"

#include <nestnet/nestnet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_WHO_MAX       64  /**< user= and group= of one rule */
#define RULE_GUARDS_MAX    32  /**< guard= of one rule */
#define RULE_ADDRESSES_MAX 128 /**< addresses of all guards of one rule */
/** Bytes of a user's or group's name, with the NUL; useradd's limit is 32. */
#define RULE_NAME_MAX 64

/** A user or a group that a rule is for. */
struct rule_who {
	bool is_group;
	char name[RULE_NAME_MAX];
};

/** A guest's MAC address, and n of the rule's addresses. */
struct rule_guard {
	uint8_t mac[6];
	size_t first, n;
};

/** A rule, and what a tap is like that it allows. */
struct rule {
	bool is_deny;
	bool is_for_all; /**< bridges, and not for the one named */
	char bridge[NESTNET_IFNAMSIZ];

	struct rule_who who[RULE_WHO_MAX]; /**< n_who 0: everybody */
	size_t n_who;

	unsigned int words;        /**< which of the following were said, as bits */
	unsigned int flags;        /**< NESTNET_TAP_* */
	unsigned int queues;       /**< at most so many */
	uint32_t mtu;              /**< 0: the bridge's */
	char owner[RULE_NAME_MAX]; /**< "": the caller */
	bool has_mac;
	uint8_t mac[6];
	struct rule_guard guards[RULE_GUARDS_MAX];
	size_t n_guards;
	struct nestnet_address addresses[RULE_ADDRESSES_MAX];
	size_t n_addresses;
};

/** Why a text is no name of a bridge: nothing else is copied or looked for. @return NULL: it is */
const char *rule_why_not_bridge(const char *name);

/**
 * Reads the words of a line, the verb (allow, deny) before them aside.
 * @param words  which are taken apart
 * @return NULL, or a static phrase that says what is wrong
 */
const char *rule_read(char *words, struct rule *ret);

/** The next word of *rest, which it is cut off from. @return NULL: there is none */
char *rule_next_word(char **rest);

/**
 * Whether a rule is for a caller, of its bridge or not.
 * @return 1, 0, or -1: that cannot be told, since a name is unknown or nobody could be asked
 */
int rule_is_for(const struct rule *rule, const struct caller *caller);

/** The numeric id of a name, or of digits. @return 1; 0: there is none; -1: cannot be told */
int rule_find_id(bool is_group, const char *name, uint32_t *ret_id);

#endif
