/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_KERNEL_NFT_H
#define NESTNET_KERNEL_NFT_H

/*
 * nf_tables in plain values. A batch is filled by nft_add_*() and nft_element_*(), whose
 * order is the order in the kernel, and is sent whole by nft_batch_commit(): all of it
 * happens, or none. Running out of memory while filling is remembered by the batch and
 * returned by the commit, so that filling needs no checks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct netlink;
struct nft_batch;
struct nft_rule;

/** The longest key: IPv6 address, protocol, port, IPv6 address. */
#define NFT_KEY_MAX 40
/** The longest value: two IPv6 addresses. */
#define NFT_DATA_MAX 32
/** The longest comment, without its NUL: what nft reloads. */
#define NFT_COMMENT_MAX 127

enum nft_family {
	NFT_FAMILY_INET,
	NFT_FAMILY_BRIDGE,
	NFT_FAMILY_NETDEV,
	NFT_FAMILY_IP, /* these two are others' */
	NFT_FAMILY_IP6,
};

struct nft_table {
	enum nft_family family;
	const char *name;
};

/* ---- Types, with nft's own numbers, so that nft prints what we make (facts 20) ------- */

#define NFT_TYPE_IPV4    7
#define NFT_TYPE_IPV6    8
#define NFT_TYPE_ETHER   9
#define NFT_TYPE_PROTO   12
#define NFT_TYPE_SERVICE 13
#define NFT_TYPE_IFNAME  41
/** A concatenation packs six bits a field. */
#define NFT_TYPE2(a, b)       ((a) << 6 | (b))
#define NFT_TYPE3(a, b, c)    (NFT_TYPE2(a, b) << 6 | (c))
#define NFT_TYPE4(a, b, c, d) (NFT_TYPE3(a, b, c) << 6 | (d))

#define NFT_SPEC_INTERVAL      (1u << 0) /* keys are ranges */
#define NFT_SPEC_TIMEOUT       (1u << 1) /* elements may have one */
#define NFT_SPEC_COUNTER       (1u << 2) /* each element counts */
#define NFT_SPEC_DATA_INTERVAL (1u << 3) /* a value is a range: first and last address */

/** A set, or a map where data_type is set. Static. */
struct nft_set_spec {
	char name[20];
	unsigned int flags;
	uint32_t key_type;
	uint32_t data_type;
	uint8_t key_len;   /* bytes; each field padded to 4 */
	uint8_t data_len;  /* bytes, twice the address for DATA_INTERVAL; 0: a set */
	uint8_t fields[4]; /* bytes of each field of a concatenated key, unpadded; else 0 */
};

/** A set whose keys are a concatenation and ranges (pipapo), not plain ranges (rbtree). */
static inline bool nft_set_spec_is_concat(const struct nft_set_spec *spec)
{
	return spec->fields[1] != 0;
}

enum nft_hook {
	NFT_HOOK_NONE, /* a chain that is only jumped to */
	NFT_HOOK_PREROUTING,
	NFT_HOOK_INPUT,
	NFT_HOOK_FORWARD,
	NFT_HOOK_OUTPUT,
	NFT_HOOK_POSTROUTING,
	NFT_HOOK_INGRESS, /* of a device, before all others; only other software's */
	NFT_HOOK_EGRESS,
};

/* ---- Batches ---------------------------------------------------------------------- */

/** @param n_elements  what it will have, about: what is many is then not copied as it grows
 *  @return a batch, or NULL where there is no memory */
struct nft_batch *nft_batch_new(size_t n_elements);
struct nft_batch *nft_batch_free(struct nft_batch *batch);
bool nft_batch_is_empty(const struct nft_batch *batch);

/**
 * Sends the batch, to be refused with -ERESTART if the namespace's ruleset is of another
 * generation by then.
 * @param generation  from nft_generation_get(); 0: whichever it is
 * @return 0; -ERESTART; -ENOMEM; -ECOMM: sent, but the answer was lost; or the kernel's
 *         errno with its sentence
 */
int nft_batch_commit(struct netlink *nl, struct nft_batch *batch, uint32_t generation,
		     struct error *error);

/* Tables, sets and chains (nft-object.c), all made with NLM_F_EXCL; rules (nft-expr.c). */

/** @param comment  kept with the table and read back by nft_table_get() */
void nft_add_table(struct nft_batch *batch, const struct nft_table *table,
		   const char *comment);
void nft_delete_table(struct nft_batch *batch, const struct nft_table *table);
void nft_add_set(struct nft_batch *batch, const struct nft_table *table,
		 const struct nft_set_spec *spec);
/** The set with its elements. */
void nft_delete_set(struct nft_batch *batch, const struct nft_table *table,
		    const struct nft_set_spec *spec);
/** @param type  "nat" or "filter"; NULL with NFT_HOOK_NONE */
void nft_add_chain(struct nft_batch *batch, const struct nft_table *table, const char *name,
		   const char *type, enum nft_hook hook, int priority);
/**
 * A base chain for what comes in by one device, which must exist, before anything else of
 * the host has seen it: type filter hook ingress device "NAME"; policy drop. In a table of
 * the netdev family.
 */
void nft_add_device_chain(struct nft_batch *batch, const struct nft_table *table,
			  const char *name, const char *device, int priority);
/** The chain with its rules. */
void nft_delete_chain(struct nft_batch *batch, const struct nft_table *table,
		      const char *name);
/** The rules of the chain, all of them, and not the chain itself. */
void nft_empty_chain(struct nft_batch *batch, const struct nft_table *table,
		     const char *name);
/** Takes the rule, NULL too (out of memory), and frees it. */
void nft_add_rule(struct nft_batch *batch, struct nft_rule *rule);

/** The same, but at the head of the chain; or before the rule with that handle. */
void nft_insert_rule(struct nft_batch *batch, struct nft_rule *rule, uint64_t before);
void nft_delete_rule(struct nft_batch *batch, const struct nft_table *table,
		     const char *chain, uint64_t handle);

/* ---- Elements (nft-element.c) --------------------------------------------------------- */

/** An element of a set or map; lengths are the set's. */
struct nft_element {
	uint8_t key[NFT_KEY_MAX];
	uint8_t key_end[NFT_KEY_MAX]; /* interval sets: the last key, inclusive */
	uint8_t data[NFT_DATA_MAX];
	char comment[NFT_COMMENT_MAX + 1]; /* "": none */
	uint64_t timeout_ms;               /* 0: none */
	uint64_t expires_ms;               /* what remains; 0 in one that is added: all */
	uint64_t packets;                  /* read only: the counter */
};

/** Adds elements; re-adding an equal one changes nothing. */
void nft_element_add(struct nft_batch *batch, const struct nft_table *table,
		     const struct nft_set_spec *spec, const struct nft_element *element);
void nft_element_delete(struct nft_batch *batch, const struct nft_table *table,
			const struct nft_set_spec *spec, const struct nft_element *element);

/* ---- Questions ------------------------------------------------------------------------ */

/**
 * Asks for the generation and, in the same round trip, for a table.
 * @param ret_comment  the table's comment, cut to size; "" where it has none
 * @return 1: the table is there; 0: it is not; or a negative errno
 */
int nft_table_get(struct netlink *nl, const struct nft_table *table,
		  uint32_t *ret_generation, char *ret_comment, size_t size,
		  struct error *error);

/** Asks for a chain. @return 1: it is there; 0: it is not; or a negative errno */
int nft_chain_get(struct netlink *nl, const struct nft_table *table, const char *name,
		  struct error *error);

/**
 * Asks for the element with exactly this key. Not for rbtree sets: load those.
 * @return 1: it is there, in *ret; 0: it is not; or a negative errno
 */
int nft_element_get(struct netlink *nl, const struct nft_table *table,
		    const struct nft_set_spec *spec, const uint8_t *key,
		    const uint8_t *key_end, struct nft_element *ret, struct error *error);

/** Asks an rbtree set whether an interval has the key, without a list.
 *  @return 1, 0, or a negative errno */
int nft_interval_covers(struct netlink *nl, const struct nft_table *table,
			const struct nft_set_spec *spec, const uint8_t *key,
			struct error *error);

/** One of several questions that are asked at once: for a chain, or for what a set has by a
 *  key. Of an rbtree set, only whether an interval has the key. */
struct nft_question {
	const char *chain; /* NULL: for an element */
	const struct nft_set_spec *spec;
	const uint8_t *key;
	int answer;               /* 1: it is there; 0: it is not; or a negative errno */
	struct nft_element found; /* an element that is there, but for rbtree sets */
};

#define NFT_QUESTIONS_MAX 6

/** Asks them all of one table. @param n  at most NFT_QUESTIONS_MAX @return 0 or -errno */
int nft_ask(struct netlink *nl, const struct nft_table *table,
	    struct nft_question *questions, size_t n, struct error *error);

/** As nft_table_get(), and the questions in the same round trip. */
int nft_table_ask(struct netlink *nl, const struct nft_table *table,
		  struct nft_question *questions, size_t n, uint32_t *ret_generation,
		  char *ret_comment, size_t size, struct error *error);

typedef int (*nft_element_fn)(void *userdata, const struct nft_element *element);

/**
 * Dumps a set. fn may see elements of a dump that was then found torn, and is told of
 * that by a call with NULL before the next try.
 * @return 0; what fn returned if not 0; -ENOENT: no such set; or another negative errno
 */
int nft_element_list(struct netlink *nl, const struct nft_table *table,
		     const struct nft_set_spec *spec, nft_element_fn fn, void *userdata,
		     struct error *error);

/* ---- Counted rules (nft-drop.c) ---------------------------------------------------------- */

typedef int (*nft_drop_fn)(void *userdata, const char *chain, uint64_t packets,
			   uint64_t bytes);

/**
 * Goes through the rules of a table that count and drop. Told of a torn dump, which starts
 * over, by a chain of NULL.
 * @return 0, also where there is no such table; what fn returned; or a negative errno
 */
int nft_drop_list(struct netlink *nl, const struct nft_table *table, nft_drop_fn fn,
		  void *userdata, struct error *error);

#endif
