/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A packet's walk through rules that nft and iptables made: what stops it for certain, what
 * may, and what does not; in nft's words, and with answers that nobody should believe. */

#include "netns.h"
#include "unit/damage.h"

#include "plan/context.h"
#include "rules/rule-text.h"
#include "rules/walk.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The packet of all these tests: TCP from eth0 to port 80 of a guest behind virbr0, new and
 * translated. */
static struct probe packet(void)
{
	struct nestnet_prefix guest = prefix_of("192.168.122.89");
	struct probe probe;

	probe_begin(&probe, AF_INET, IPPROTO_TCP);
	probe_set_destination(&probe, &guest);
	probe_set_ports(&probe, 0, 80);
	strcpy(probe.iifname, "eth0");
	strcpy(probe.oifname, "virbr0");
	probe.iif = 2;
	probe.oif = 3;
	probe.is_dnat = true;
	return probe;
}

/* "fail CHAIN TEXT" or "warn CHAIN TEXT +N", a line each. */
static int see(void *userdata, const struct walk_finding *finding)
{
	char text[RULE_TEXT_MAX] = "policy", *seen = userdata;
	size_t len = strlen(seen);

	if (finding->rule)
		rule_text(finding->chain, finding->rule, text);
	snprintf(seen + len, 2048 - len, "%s %s %s +%zu\n",
		 finding->is_certain ? "fail" : "warn", finding->chain->name, text,
		 finding->n_others);
	return 0;
}

static const char *walk_with(const struct probe *probe, unsigned int flags)
{
	static char seen[2048];
	struct walker *walker;

	seen[0] = '\0';
	ck_assert_msg(walker_new(ctx, &walker) == 0, "%s", nestnet_errmsg(ctx));
	ck_assert_msg(walker_walk(walker, probe, NFT_HOOK_FORWARD, flags, INT_MIN, INT_MAX,
				  see, seen) == 0,
		      "%s", nestnet_errmsg(ctx));
	walker_free(walker);
	return seen;
}

static const char *walk(void)
{
	struct probe probe = packet();

	return walk_with(&probe, WALK_IP);
}

/* ---- Rules ------------------------------------------------------------------------------ */

/* A rule of chain f, and what is found where it is the only one. */
static const struct {
	const char *rule, *found;
} rules[] = {
	{ "drop", "fail f drop +0\n" },
	{ "accept", "" },
	{ "counter reject", "fail f counter reject +0\n" },
	{ "iifname \"eth0\" drop", "fail f iifname \"eth0\" drop +0\n" },
	{ "iifname \"eth*\" drop", "fail f iifname \"eth*\" drop +0\n" },
	{ "iifname \"eth1\" drop", "" },
	{ "oifname != \"virbr0\" drop", "" },
	{ "iifname != \"eth1\" drop", "fail f iifname != \"eth1\" drop +0\n" },
	{ "ip daddr 192.168.122.89 drop", "fail f ip daddr 192.168.122.89 drop +0\n" },
	{ "ip daddr 192.168.122.0/24 drop", "fail f ip daddr 192.168.122.0/24 drop +0\n" },
	{ "ip daddr 192.168.122.80/28 drop", "fail f ip daddr 192.168.122.80/28 drop +0\n" },
	{ "ip daddr 192.168.122.96/28 drop", "" },
	{ "ip daddr != 192.168.122.0/24 drop", "" },
	{ "ip daddr 192.168.122.1-192.168.122.99 drop",
	  "fail f ip daddr 192.168.122.1-192.168.122.99 drop +0\n" },
	{ "ip saddr 10.0.0.0/8 drop", "warn f ip saddr 10.0.0.0/8 drop +0\n" },
	{ "ip6 daddr fd12::89 drop", "" },
	{ "tcp dport 80 drop", "fail f tcp dport 80 drop +0\n" },
	{ "tcp dport 81-90 drop", "" },
	{ "tcp dport < 1024 drop", "fail f tcp dport < 1024 drop +0\n" },
	{ "tcp dport >= 1024 drop", "" },
	{ "tcp sport 1-1023 drop", "warn f tcp sport 1-1023 drop +0\n" },
	{ "udp dport 80 drop", "" },
	{ "meta l4proto tcp drop", "fail f meta l4proto tcp drop +0\n" },
	{ "meta l4proto { tcp, udp } drop", "fail f meta l4proto { ... } drop +0\n" },
	{ "tcp dport { 22, 80, 443 } drop", "fail f tcp dport { ... } drop +0\n" },
	{ "tcp dport != { 22, 80, 443 } drop", "" },
	{ "tcp dport { 22, 443 } drop", "" },
	{ "tcp dport { 1-79, 81-65535 } drop", "" },
	{ "tcp dport { 1-79, 80-65535 } drop", "fail f tcp dport { ... } drop +0\n" },
	{ "ip daddr . tcp dport { 192.168.122.89 . 80 } drop",
	  "fail f ip daddr . tcp dport { ... } drop +0\n" },
	{ "ip daddr . tcp dport { 192.168.122.89 . 81 } drop", "" },
	{ "ip daddr . tcp dport { 192.168.122.0/24 . 70-90 } drop",
	  "fail f ip daddr . tcp dport { ... } drop +0\n" },
	{ "ip saddr { 10.0.0.1, 10.0.0.2 } drop", "warn f ip saddr { ... } drop +0\n" },
	{ "ct state new drop", "fail f ct state new drop +0\n" },
	{ "ct state established,related drop", "" },
	{ "ct state != new drop", "" },
	{ "ct status dnat drop", "fail f ct status dnat drop +0\n" },
	{ "ct status snat drop", "warn f ct status snat drop +0\n" },
	{ "ct direction reply drop", "" },
	{ "meta nfproto ipv6 drop", "" },
	{ "meta nfproto ipv4 drop", "fail f meta nfproto ipv4 drop +0\n" },
	{ "meta mark 7 drop", "warn f meta mark 0x07000000 drop +0\n" },
	{ "limit rate 1/second drop", "warn f limit drop +0\n" },
	{ "fib saddr . iif oif missing drop", "warn f fib saddr . iif oif missing drop +0\n" },
	{ "fib saddr type local drop", "warn f fib 0x02000000 drop +0\n" },
	{ "rt type 0 drop", "" },
	{ "tcp option maxseg size 1-500 drop", "warn f exthdr 0x0001-0x01f4 drop +0\n" },
	{ "log prefix \"x\" counter drop", "fail f log counter drop +0\n" },
	{ "jump g", "fail g drop +0\n" },
	{ "goto g", "fail g drop +0\n" },
	{ "ip saddr 10.0.0.1 jump g", "warn g drop +0\n" },
	{ "tcp dport 81 jump g", "" },
	{ "tcp dport vmap { 80 : drop, 81 : accept }", "fail f tcp dport vmap { ... } +0\n" },
	{ "tcp dport vmap { 80 : accept, 81 : drop }", "" },
	{ "tcp dport vmap { 80 : jump g }", "fail g drop +0\n" },
	{ "iifname vmap { \"eth0\" : goto g, \"eth1\" : accept }", "fail g drop +0\n" },
	{ "ip saddr vmap { 10.0.0.1 : drop, 10.0.0.2 : accept }",
	  "warn f ip saddr vmap { ... } +0\n" },
	{ "ct state vmap { established : accept, new : drop }",
	  "fail f ct state vmap { ... } +0\n" },
	{ "meta mark set 7 drop", "fail f meta drop +0\n" },
};

START_TEST(a_rule_stops_what_it_matches)
{
	sh("nft 'table inet t { chain g { drop; }; chain f { type filter hook forward "
	   "priority 0; }; }'");
	sh("nft 'add rule inet t f %s'", rules[_i].rule);
	ck_assert_msg(strcmp(walk(), rules[_i].found) == 0, "%s: want \"%s\", got \"%s\"",
		      rules[_i].rule, rules[_i].found, walk());
}
END_TEST

/* Whose source is known to be behind its interface, as doctor knows of uplinks. */
START_TEST(a_reverse_path_filter_has_nothing_against_who_is_where_he_belongs)
{
	struct probe probe = packet();

	probe.has_way_back = true;
	sh("nft 'table inet t { chain f { type filter hook forward priority 0; "
	   "fib saddr . mark . iif oif missing drop; fib saddr . iif oif exists accept; "
	   "drop; }; }'");
	ck_assert_str_eq(walk_with(&probe, WALK_IP), "");
	probe.has_way_back = false;
	ck_assert_str_eq(walk_with(&probe, WALK_IP),
			 "warn f fib saddr . iif oif missing drop +1\n");
}
END_TEST

/* ---- Chains ----------------------------------------------------------------------------- */

static const struct {
	const char *chains, *found;
} chains[] = {
	/* A policy has what no rule accepted; for certain, or not. */
	{ "chain f { type filter hook forward priority 0; policy drop; }", "fail f policy +0\n" },
	{ "chain f { type filter hook forward priority 0; policy drop; tcp dport 80 accept; }",
	  "" },
	{ "chain f { type filter hook forward priority 0; policy drop; tcp sport 7 accept; }",
	  "warn f policy +0\n" },
	{ "chain f { type filter hook forward priority 0; policy drop; tcp dport 81 accept; }",
	  "fail f policy +0\n" },
	/* An accept in one base chain does not help in the next. */
	{ "chain a { type filter hook forward priority -5; accept; }; "
	  "chain f { type filter hook forward priority 5; drop; }",
	  "fail f drop +0\n" },
	/* The order is that of priority, and all are told. */
	{ "chain z { type filter hook forward priority -5; drop; }; "
	  "chain a { type filter hook forward priority 5; drop; }",
	  "fail z drop +0\nfail a drop +0\n" },
	/* Returns, and chains that come back. */
	{ "chain g { tcp dport 80 return; drop; }; "
	  "chain f { type filter hook forward priority 0; jump g; }",
	  "" },
	{ "chain g { tcp dport 81 return; }; "
	  "chain f { type filter hook forward priority 0; jump g; drop; }",
	  "fail f drop +0\n" },
	{ "chain g { counter; }; chain f { type filter hook forward priority 0; goto g; drop; }",
	  "" },
	{ "chain h { tcp sport 7 return; accept; }; chain g { jump h; drop; }; "
	  "chain f { type filter hook forward priority 0; jump g; }",
	  "warn g drop +0\n" },
	{ "chain h { tcp sport 7 return; drop; }; "
	  "chain f { type filter hook forward priority 0; jump h; tcp dport 80 accept; }",
	  "warn h drop +0\n" },
	{ "chain k { counter; }; chain h { tcp sport 7 goto k; accept; }; "
	  "chain f { type filter hook forward priority 0; policy drop; jump h; }",
	  "warn f policy +0\n" },
	/* What all have been dropped by is told, and not what some may have been. */
	{ "chain f { type filter hook forward priority 0; ip saddr 10.0.0.1 drop; "
	  "ip saddr 10.0.0.2 drop; drop; }",
	  "fail f drop +0\n" },
	{ "chain f { type filter hook forward priority 0; ip saddr 10.0.0.1 drop; "
	  "ip saddr 10.0.0.2 drop; }",
	  "warn f ip saddr 10.0.0.1 drop +1\n" },
	{ "chain g { drop; }; chain f { type filter hook forward priority 0; "
	  "ip saddr 10.0.0.1 goto g; accept; }",
	  "warn g drop +0\n" },
	/* Other hooks, and chains that nobody jumps to. */
	{ "chain g { drop; }; chain i { type filter hook input priority 0; policy drop; }", "" },
};

START_TEST(chains_are_walked_as_the_kernel_does)
{
	sh("nft 'table inet t { %s; }'", chains[_i].chains);
	ck_assert_msg(strcmp(walk(), chains[_i].found) == 0, "%s: want \"%s\", got \"%s\"",
		      chains[_i].chains, chains[_i].found, walk());
}
END_TEST

START_TEST(a_family_is_walked_by_its_own_packets)
{
	struct probe probe = packet(), probe6;

	sh("nft 'table ip6 t { chain f { type filter hook forward priority 0; drop; }; }'");
	sh("nft 'table bridge t { chain b { type filter hook forward priority 0; drop; }; }'");
	sh("nft 'table inet nestnet { chain f { type filter hook forward priority 0; drop; }; "
	   "}'");
	ck_assert_str_eq(walk(), "");
	probe_begin(&probe6, AF_INET6, IPPROTO_TCP);
	ck_assert_str_eq(walk_with(&probe6, WALK_IP), "fail f drop +0\n");
	ck_assert_str_eq(walk_with(&probe, WALK_BRIDGE), "fail b drop +0\n");
	ck_assert_str_eq(walk_with(&probe, WALK_IP | WALK_NAT), "");
}
END_TEST

/* ---- iptables --------------------------------------------------------------------------- */

static const struct {
	const char *rule, *found;
} iptables[] = {
	{ "-o virbr0 -j REJECT", "fail FORWARD oifname \"virbr0\" counter reject +0\n" },
	{ "-o docker+ -j DROP", "" },
	{ "-o vir+ -j DROP", "fail FORWARD oifname \"vir*\" counter drop +0\n" },
	{ "! -i eth0 -j DROP", "" },
	{ "-d 192.168.122.0/24 -p tcp -m tcp --dport 80 -j DROP",
	  "fail FORWARD ip daddr 192.168.122.0/24 tcp dport 80 counter drop +0\n" },
	{ "-p udp -j DROP", "" },
	{ "-m conntrack --ctstate RELATED,ESTABLISHED -j DROP", "" },
	{ "-m conntrack --ctstate NEW -j DROP", "fail FORWARD ct state new counter drop +0\n" },
	{ "-m conntrack ! --ctstate NEW -j DROP", "" },
	{ "-m state --state INVALID -j DROP", "" },
	{ "-m conntrack --ctstate DNAT -j DROP",
	  "warn FORWARD xt match \"conntrack\" counter drop +0\n" },
	{ "-m comment --comment why -j DROP", "fail FORWARD counter drop +0\n" },
	{ "-m physdev --physdev-is-bridged -j DROP",
	  "warn FORWARD xt match \"physdev\" counter drop +0\n" },
	{ "-m mark --mark 1 -j DROP", "warn FORWARD meta mark 0x01000000 counter drop +0\n" },
	{ "-j LOG", "" },
};

START_TEST(rules_of_iptables_are_read_too)
{
	sh("iptables-nft -A FORWARD %s", iptables[_i].rule);
	ck_assert_msg(strcmp(walk(), iptables[_i].found) == 0, "%s: want \"%s\", got \"%s\"",
		      iptables[_i].rule, iptables[_i].found, walk());
}
END_TEST

/* ---- What nobody should believe --------------------------------------------------------- */

#define ROUNDS 2000

static unsigned int n_seen;

static int see_any(void *userdata, const struct walk_finding *finding)
{
	char text[RULE_TEXT_MAX];

	(void)userdata;
	ck_assert_ptr_nonnull(finding->chain->name);
	ck_assert_ptr_nonnull(finding->chain->table);
	if (finding->rule)
		ck_assert_uint_lt(strlen(rule_text(finding->chain, finding->rule, text)),
				  RULE_TEXT_MAX);
	n_seen++;
	return 0;
}

START_TEST(damaged_rules_are_rules_or_nothing)
{
	struct probe probe = packet();
	struct netlink *nl = NULL;

	sh("nft 'table inet t { chain g { drop; }; chain f { type filter hook forward priority "
	   "0; policy drop; tcp dport { 22, 80-90 } drop; ip saddr 10.0.0.0/8 counter jump g; "
	   "ct state vmap { established : accept, new : jump g }; limit rate 1/second drop; "
	   "ip daddr . tcp dport { 192.168.122.0/24 . 70-90 } drop; }; }'");
	sh("iptables-nft -A FORWARD -m conntrack --ctstate NEW -p tcp --dport 80 -j REJECT");
	ck_assert_int_eq(context_filter(ctx, &nl), 0);
	damage_seed(17);
	netlink_set_transport(nl, &damage_transport, NULL);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct walker *walker;

		if (walker_new(ctx, &walker) < 0)
			continue;
		(void)walker_walk(walker, &probe, NFT_HOOK_FORWARD, WALK_IP, INT_MIN, INT_MAX,
				  see_any, NULL);
		walker_free(walker);
	}
	ck_assert_uint_gt(n_seen, ROUNDS / 2);
}
END_TEST

/* ---- What is asked ---------------------------------------------------------------------- */

START_TEST(chains_are_one_question_and_our_own_are_not_read)
{
	struct walker *walker;

	ok(expose("10.128.0.13", "192.168.122.89", 0));
	ck_assert_int_eq(walker_new(ctx, &walker), 0);
	ck_assert(!walker_is_needed(walker, -110));
	ck_assert_uint_eq(walker_chains(walker)->n, 0);
	walker_free(walker);
	/* What is for L1 itself, and what translates after us, is not on the way. */
	sh("iptables-nft -t nat -A POSTROUTING -j MASQUERADE");
	sh("iptables-nft -t nat -A PREROUTING -p tcp -j REDIRECT");
	sh("nft 'table inet i { chain i { type filter hook input priority 0; }; }'");
	ck_assert_int_eq(walker_new(ctx, &walker), 0);
	ck_assert(!walker_is_needed(walker, -110));
	ck_assert(walker_is_needed(walker, -100));
	walker_free(walker);
	sh("nft 'table inet t { chain f { type filter hook forward priority 0; }; }'");
	ck_assert_int_eq(walker_new(ctx, &walker), 0);
	ck_assert(walker_is_needed(walker, -110));
	walker_free(walker);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk");
	TCase *tcase = netns_case(suite, "walk", 60);

	add_table_test(tcase, a_rule_stops_what_it_matches, rules);
	add_table_test(tcase, chains_are_walked_as_the_kernel_does, chains);
	tcase_add_test(tcase, a_reverse_path_filter_has_nothing_against_who_is_where_he_belongs);
	tcase_add_test(tcase, a_family_is_walked_by_its_own_packets);
	add_table_test(tcase, rules_of_iptables_are_read_too, iptables);
	tcase_add_test(tcase, damaged_rules_are_rules_or_nothing);
	tcase_add_test(tcase, chains_are_one_question_and_our_own_are_not_read);
	return netns_run(suite);
}
