/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests for exposures: what is wrong with them whatever the kernel's state, and queued. */

#include "transaction.h"

#include "table/exposure-from.h"

#include "base/address.h"
#include "base/cleanup.h"
#include "base/endpoint.h"
#include "base/error.h"
#include "base/name.h"
#include "base/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A year: what is for longer is for good. */
#define TIMEOUT_MAX_MS (365ull * 24 * 3600 * 1000)

#define FLAGS                                                                           \
	(NESTNET_EXPOSE_REPLACE | NESTNET_EXPOSE_NO_LOCAL | NESTNET_EXPOSE_NO_FORWARD | \
	 NESTNET_EXPOSE_OPEN | NESTNET_EXPOSE_FORCE | NESTNET_EXPOSE_COEXIST)

/* What is wrong with the pair, whatever the kernel's state; NULL: nothing. */
static const char *why_not_pair(const struct nestnet_endpoint *alias,
				const struct nestnet_endpoint *target)
{
	unsigned int ports = (unsigned int)(alias->last_port - alias->first_port);

	if (alias->prefix.address.family != AF_UNSPEC &&
	    endpoint_family(alias) != endpoint_family(target))
		return "alias and target are not of one family";
	if (alias->prefix.address.family == AF_UNSPEC && alias->first_port != alias->last_port)
		return "of every address one port can be exposed, not a range";
	if (alias->first_port == 0 && target->first_port != 0)
		return "the target has a port and the alias has none";
	if (alias->first_port == 0 && alias->prefix.len != target->prefix.len)
		return "alias and target are not of one prefix length";
	if (alias->first_port != 0 && !prefix_is_address(&target->prefix))
		return "ports are exposed to one address, not to a prefix";
	if (target->first_port != 0 &&
	    ports != (unsigned int)(target->last_port - target->first_port))
		return "alias and target have not as many ports";
	if (alias->prefix.address.family != AF_UNSPEC &&
	    address_equal(&alias->prefix.address, &target->prefix.address))
		return "alias and target are one address";
	return NULL;
}

static const char *why_not_options(const struct nestnet_endpoint *alias,
				   const struct nestnet_expose_options *options)
{
	const char *why = flags_why_not(options->flags, FLAGS);

	if (why)
		return why;
	if (options->n_except && endpoint_shape(alias) != ENDPOINT_ADDRESS)
		return "--except is for a whole address";
	if (options->flags & NESTNET_EXPOSE_OPEN && options->flags & NESTNET_EXPOSE_COEXIST)
		return "--coexist lets in what is exposed alone, and --open all of the target";
	if (options->timeout_ms > TIMEOUT_MAX_MS)
		return "--timeout is at most 365 days";
	switch (options->egress) {
	case NESTNET_EGRESS_MASQUERADE:
		break;
	case NESTNET_EGRESS_ALIAS:
	case NESTNET_EGRESS_NONE:
		if (alias->first_port != 0)
			return "--egress alias and none want an alias without a port";
		break;
	default:
		return "there is no such egress";
	}
	return options->comment ? name_why_not_comment(options->comment) : NULL;
}

/* Sorted, so that two lists can be compared; a port that is said twice is one. */
static bool copy_excepts(const struct nestnet_expose_options *options, struct endpoints *ret)
{
	if (options->n_except == 0)
		return true;
	ret->list = reallocarray(NULL, options->n_except, sizeof(*ret->list));
	if (!ret->list)
		return false;
	for (size_t i = 0; i < options->n_except; i++) {
		struct nestnet_endpoint except = options->except[i];
		size_t at = ret->n;

		except.prefix = (struct nestnet_prefix){ .len = 0 };
		while (at > 0 && endpoint_compare(&ret->list[at - 1], &except) > 0)
			at--;
		if (at > 0 && endpoint_equal(&ret->list[at - 1], &except))
			continue;
		memmove(&ret->list[at + 1], &ret->list[at],
			(ret->n - at) * sizeof(*ret->list));
		ret->list[at] = except;
		ret->n++;
	}
	return true;
}

static const char *why_not_excepts(const struct endpoints *excepts)
{
	for (size_t i = 0; i < excepts->n; i++) {
		const struct nestnet_endpoint *except = &excepts->list[i];

		if (except->protocol == 0 || except->first_port == 0 ||
		    except->last_port < except->first_port)
			return "--except is PORT[-PORT][/PROTO]";
		if (i > 0 && excepts->list[i - 1].protocol == except->protocol &&
		    excepts->list[i - 1].last_port >= except->first_port)
			return "--except ports overlap";
	}
	return NULL;
}

static const char *why_not_from(const struct nestnet_endpoint *target,
				const struct nestnet_expose_options *options)
{
	for (size_t i = 0; i < options->n_from; i++) {
		if (options->from[i].address.family != endpoint_family(target))
			return "--from and alias are not of one family";
		if (prefix_has_host_bits(&options->from[i]))
			return "a --from prefix has host bits set";
	}
	return NULL;
}

/* Everybody is the same as no one in particular. */
static bool copy_from(const struct nestnet_expose_options *options, struct prefixes *ret)
{
	if (!prefixes_copy(options->from, options->n_from, ret))
		return false;
	from_reduce(ret->list, &ret->n);
	return true;
}

/* @return false: no memory */
static bool copy_text(const char *text, const char **ret)
{
	if (!text || !text[0])
		return true;
	*ret = strdup(text);
	return *ret;
}

/* @return 0, or a positive errno with what is wrong */
static int read_options(const struct nestnet_endpoint *alias,
			const struct nestnet_endpoint *target,
			const struct nestnet_expose_options *options,
			struct expose_request *ret, const char **ret_why)
{
	const char *why = why_not_pair(alias, target);

	if (!why)
		why = why_not_options(alias, options);
	if (!why)
		why = why_not_from(target, options);
	if (!why &&
	    (!copy_from(options, &ret->from) || !copy_excepts(options, &ret->except) ||
	     !copy_text(options->tap, &ret->tap) ||
	     !copy_text(options->comment, &ret->comment))) {
		*ret_why = error_describe(ENOMEM);
		return ENOMEM;
	}
	if (!why)
		why = why_not_excepts(&ret->except);
	*ret_why = why;
	return why ? EINVAL : 0;
}

static int refuse(struct nestnet_transaction *tx, const struct nestnet_endpoint *alias,
		  int code, const char *why)
{
	char text[NESTNET_TEXT_MAX];

	return transaction_refuse(tx, code, "expose %s: %s",
				  nestnet_endpoint_format(alias, text), why);
}

int nestnet_expose(struct nestnet_transaction *tx, const struct nestnet_endpoint *alias,
		   const struct nestnet_endpoint *target,
		   const struct nestnet_expose_options *options)
{
	struct nestnet_expose_options own;
	struct request request = { .kind = REQUEST_EXPOSE };
	char text[NESTNET_TEXT_MAX];
	const char *why;
	int code;

	transaction_begin(tx);
	why = endpoint_why_not(alias, true);
	if (!why)
		why = endpoint_why_not(target, false);
	if (why)
		return transaction_refuse(tx, EINVAL, "expose: %s", why);
	code = options_read(&own, sizeof(own), options, &why);
	if (code == 0 && own.tap && (why = name_why_not_pattern(own.tap)))
		return transaction_refuse(tx, EINVAL, "expose %s: tap '%s': %s",
					  nestnet_endpoint_format(alias, text), own.tap, why);
	if (code == 0)
		code = read_options(alias, target, &own, &request.expose, &why);
	if (code) {
		request_clear(&request);
		return refuse(tx, alias, code, why);
	}

	request.expose.alias = *alias;
	request.expose.target = *target;
	request.expose.target.protocol = 0;
	if (target->first_port == 0) {
		request.expose.target.first_port = alias->first_port;
		request.expose.target.last_port = alias->last_port;
	}
	request.expose.flags = own.flags;
	request.expose.egress = own.egress;
	request.expose.timeout_ms = own.timeout_ms;
	return transaction_add(tx, &request);
}

int nestnet_unexpose(struct nestnet_transaction *tx, const struct nestnet_endpoint *alias,
		     unsigned int flags)
{
	struct request request = { .kind = REQUEST_UNEXPOSE,
				   .unexpose = { .alias = *alias, .flags = flags } };
	const char *why = endpoint_why_not(alias, true);

	transaction_begin(tx);
	if (!why)
		why = flags_why_not(flags, NESTNET_IF_EXISTS);
	if (why)
		return transaction_refuse(tx, EINVAL, "unexpose: %s", why);
	return transaction_add(tx, &request);
}

int nestnet_unexpose_target(struct nestnet_transaction *tx,
			    const struct nestnet_address *target, unsigned int flags)
{
	struct request request = { .kind = REQUEST_UNEXPOSE_TARGET,
				   .unexpose_target = { .flags = flags } };
	const char *why = target ? address_why_not_unicast(target) : NULL;
	char text[NESTNET_TEXT_MAX];

	transaction_begin(tx);
	if (!why)
		why = flags_why_not(flags, NESTNET_IF_EXISTS);
	if (why)
		return transaction_refuse(tx, EINVAL, "unexpose --target %s: %s",
					  target ? nestnet_address_format(target, text) : "",
					  why);
	if (target)
		request.unexpose_target.target = *target;
	return transaction_add(tx, &request);
}
