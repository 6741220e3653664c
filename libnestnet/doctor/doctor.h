/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_DOCTOR_H
#define NESTNET_DOCTOR_H

/* What the doctor's files share: an examination, and how its findings are told. */

#include "plan/inventory.h"
#include "plan/uplinks.h"

#include "table/exposure.h"

#include "rules/walk.h"

/** Of our own chain that translates what comes in (ruleset-base.c). */
#define DOCTOR_PRIORITY (-110)

struct doctor {
	struct nestnet *ctx;
	nestnet_finding_fn fn;
	void *userdata;
	struct walker *walker;
	struct inventory inventory;
	struct uplinks uplinks;
};

/** The way of an exposure's packets, as far as it was found out. */
struct doctor_path {
	const struct exposure *exposure; /* NULL: a bridge's guests, all of them */
	int family;
	struct nestnet_prefix alias, target;
	unsigned int protocol;            /* tcp where every protocol is exposed */
	uint16_t alias_port, target_port; /* of the alias, of the target; 0: several */
	const struct inventory_link *in, *out; /* NULL: not known */
	const struct inventory_link *port;     /* of out, where the guest is; or NULL */
};

/** Tells a finding. @param remedy  NULL: none. @return what the caller's function does */
int doctor_say(const struct doctor *doctor, const char *check,
	       enum nestnet_finding_status status, const char *subject,
	       const char *remedy, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/** The same of a finding that is written already; a remedy that is not to be pasted is left
 *  out, with what would take it back. */
int doctor_tell(const struct doctor *doctor, const struct nestnet_finding *finding);

/** Where on its way a packet is. */
enum doctor_leg {
	DOCTOR_ARRIVING, /* to the alias, before it is translated */
	DOCTOR_INBOUND,  /* to the guest */
	DOCTOR_REPLY,    /* from the guest */
	DOCTOR_LEAVING,  /* the same, as from the alias */
};

/** The rules of other software (doctor/rules.c).
 *  @param is_sure  what may be is not told
 *  @param ret_n    counts what was told; untouched where nothing was */
int doctor_rules(struct doctor *doctor, const struct doctor_path *path, bool is_sure,
		 size_t *ret_n);

/** A command line that lets the packets by, and one that takes it back; "": none. */
struct doctor_remedy {
	char text[512], undo[1024];
};

/** The remedy for one of them, of the software that it belongs to (doctor/remedy.c). */
const char *doctor_owner(const struct walker *walker, const struct walk_finding *finding);
void doctor_find_remedy(const struct doctor *doctor, const struct doctor_path *path,
			enum doctor_leg leg, const struct walk_finding *finding,
			struct doctor_remedy *ret);

/** All that stands in the way of an exposure, apart from rules (doctor/path.c); fills in
 *  what was found of the way. */
int doctor_path(struct doctor *doctor, struct doctor_path *path);

/* What is the host's of it, and no one exposure's. */
int doctor_uplinks(struct doctor *doctor);
int doctor_forwarding(struct doctor *doctor);
int doctor_mtu(struct doctor *doctor, const struct inventory_link *bridge);

/** The host by itself, and what its guests in general meet (doctor/host.c). */
int doctor_host(struct doctor *doctor);
/** Tables of iptables-legacy, which nobody sees from here. */
int doctor_legacy(struct doctor *doctor);

#endif
