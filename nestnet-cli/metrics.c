/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Metrics of rules and of exposures.
 *
 * Labels name what people named: aliases, interfaces, reasons. None has a client's address
 * or port, of which there is no end.
 */

#include "exposure-json.h"
#include "metrics-format.h"
#include "metrics.h"

#include <errno.h>
#include <sys/socket.h>

/* ---- Rules --------------------------------------------------------------------------------- */

static const char *family_text(int family)
{
	switch (family) {
	case AF_INET:
		return "ipv4";
	case AF_INET6:
		return "ipv6";
	}
	return "link";
}

static const struct family rule_families[] = {
	{ "nestnet_build_info", "gauge", "The release of nestnet, always 1." },
	{ "nestnet_table_info", "gauge",
	  "Which rules are in place, always 1; none where there is no table of "
	  "nestnet." },
	{ "nestnet_forwarding_enabled", "gauge", "Whether the host forwards." },
	{ "nestnet_dropped_packets_total", "counter",
	  "Packets that nestnet's rules have dropped, by why; of a guard, frames." },
	{ "nestnet_dropped_bytes_total", "counter",
	  "Bytes of the packets that nestnet's rules have dropped." },
};
enum {
	RULE_BUILD,
	RULE_TABLE,
	RULE_FORWARDING,
	RULE_DROPPED_PACKETS,
	RULE_DROPPED_BYTES,
};

static const struct family generation_family = {
	"nestnet_ruleset_generation", "gauge",
	"The generation of all nftables rules of the namespace, whosever they are."
};
static const struct family nat_family = { "nestnet_nat_subnets", "gauge",
					  "Subnets that are translated." };

static int take_forwarding(void *userdata, const struct nestnet_forwarding *forwarding)
{
	if (forwarding->ipv4 >= 0)
		metrics_sample(userdata, RULE_FORWARDING, "family", "ipv4",
			       (uint64_t)forwarding->ipv4);
	if (forwarding->ipv6 >= 0)
		metrics_sample(userdata, RULE_FORWARDING, "family", "ipv6",
			       (uint64_t)forwarding->ipv6);
	return 0;
}

static void put_drop(struct families *families, size_t family,
		     const struct nestnet_drop *drop, uint64_t number)
{
	FILE *file = metrics_begin(families, family);

	metrics_label(file, "reason", drop->reason, ",");
	metrics_label(file, "family", family_text(drop->family), "} ");
	fprintf(file, "%llu\n", (unsigned long long)number);
}

static int take_drop(void *userdata, const struct nestnet_drop *drop)
{
	put_drop(userdata, RULE_DROPPED_PACKETS, drop, drop->packets);
	put_drop(userdata, RULE_DROPPED_BYTES, drop, drop->bytes);
	return 0;
}

static int count_nat(void *userdata, const struct nestnet_nat *nat)
{
	(void)nat;
	++*(uint64_t *)userdata;
	return 0;
}

static int fill_rules(struct nestnet *ctx, struct families *families,
		      const struct nestnet_ruleset *ruleset)
{
	int r;

	metrics_sample(families, RULE_BUILD, "version", nestnet_version(), 1);
	if (ruleset->is_there)
		metrics_sample(families, RULE_TABLE, "version", ruleset->version, 1);
	r = nestnet_forward_status(ctx, NULL, take_forwarding, families);
	/* A host of neither protocol has no samples of it. */
	if (r == -ENODEV)
		r = 0;
	return r < 0 ? r : nestnet_drop_list(ctx, take_drop, families);
}

int metrics_of_rules(struct nestnet *ctx, FILE *file,
		     const struct nestnet_ruleset *ruleset)
{
	struct families families;
	uint64_t n_nat = 0;
	int r = metrics_open(&families, rule_families,
			     sizeof(rule_families) / sizeof(rule_families[0]));

	if (r == 0)
		r = fill_rules(ctx, &families, ruleset);
	r = metrics_close(&families, file, r);
	if (r == 0)
		r = nestnet_nat_list(ctx, count_nat, &n_nat);
	if (r < 0)
		return r;
	metrics_number(file, &generation_family, ruleset->generation);
	metrics_number(file, &nat_family, n_nat);
	return 0;
}

/* ---- Exposures ----------------------------------------------------------------------------- */

static const struct family exposure_families[] = {
	{ "nestnet_exposure_info", "gauge", "What is exposed, always 1." },
	{ "nestnet_exposure_flows_total", "counter",
	  "Flows that were let in by an exposure since it was made." },
	{ "nestnet_exposure_remaining_seconds", "gauge",
	  "For how long an exposure lets in new flows, where it is for a time." },
};
enum {
	EXPOSURE_INFO,
	EXPOSURE_FLOWS,
	EXPOSURE_REMAINING,
};

static const struct family exposures_family = { "nestnet_exposures", "gauge",
						"Exposures that there are." };

struct exposure_writer {
	struct families families;
	uint64_t n;
};

/* A port of every address may be exposed once a family, to different guests. */
static FILE *begin_exposure(struct exposure_writer *writer, size_t family,
			    const struct nestnet_exposure *exposure, const char *behind)
{
	FILE *file = metrics_begin(&writer->families, family);
	char target[NESTNET_TEXT_MAX];

	metrics_label(file, "alias", exposure->id, ",");
	metrics_label(file, "target", nestnet_endpoint_format(&exposure->target, target),
		      behind);
	return file;
}

static int take_exposure(void *userdata, const struct nestnet_exposure *exposure)
{
	struct exposure_writer *writer = userdata;
	FILE *file;

	writer->n++;
	file = begin_exposure(writer, EXPOSURE_INFO, exposure, ",");
	metrics_label(file, "egress", exposure_egress(exposure->egress), ",");
	metrics_label(file, "comment", exposure->comment ? exposure->comment : "",
		      "} 1\n");
	file = begin_exposure(writer, EXPOSURE_FLOWS, exposure, "} ");
	fprintf(file, "%llu\n", (unsigned long long)exposure->flows);
	if (!exposure->timeout_ms)
		return 0;
	file = begin_exposure(writer, EXPOSURE_REMAINING, exposure, "} ");
	fprintf(file, "%llu.%03u\n", (unsigned long long)(exposure->expires_ms / 1000),
		(unsigned int)(exposure->expires_ms % 1000));
	return 0;
}

int metrics_of_exposures(struct nestnet *ctx, FILE *file)
{
	struct exposure_writer writer = { .n = 0 };
	int r = metrics_open(&writer.families, exposure_families,
			     sizeof(exposure_families) / sizeof(exposure_families[0]));

	if (r == 0)
		r = nestnet_exposure_list(ctx, NULL, take_exposure, &writer);
	r = metrics_close(&writer.families, file, r);
	if (r == 0)
		metrics_number(file, &exposures_family, writer.n);
	return r;
}
