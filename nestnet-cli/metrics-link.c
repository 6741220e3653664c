/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Metrics of taps, bridges and their ports, and of guests. */

#include "metrics-format.h"
#include "metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Interfaces ---------------------------------------------------------------------------- */

static const struct family link_families[] = {
	{ "nestnet_interface_info", "gauge",
	  "A tap, a bridge or a port of one, with the bridge that it is a port of, "
	  "always 1." },
	{ "nestnet_interface_up", "gauge", "Whether the interface is up." },
	{ "nestnet_interface_carrier", "gauge",
	  "Whether the interface has a carrier; of a tap, whether a guest has it open." },
	{ "nestnet_interface_receive_packets_total", "counter",
	  "Packets that came in; of a tap, those that the guest has sent." },
	{ "nestnet_interface_transmit_packets_total", "counter",
	  "Packets that went out." },
	{ "nestnet_interface_receive_bytes_total", "counter", "Bytes that came in." },
	{ "nestnet_interface_transmit_bytes_total", "counter", "Bytes that went out." },
	{ "nestnet_interface_receive_errors_total", "counter",
	  "Packets that came in bad." },
	{ "nestnet_interface_transmit_errors_total", "counter",
	  "Packets that could not go out." },
	{ "nestnet_interface_receive_dropped_total", "counter",
	  "Packets that came in and were dropped." },
	{ "nestnet_interface_transmit_dropped_total", "counter",
	  "Packets that were dropped on the way out; of a tap, such as no guest has "
	  "taken." },
};
#define N_LINK_FAMILIES (sizeof(link_families) / sizeof(link_families[0]))
enum {
	LINK_INFO,
	LINK_UP,
};

static const struct family ports_family = { "nestnet_bridge_ports", "gauge",
					    "Ports that a bridge has." };
static const struct family guests_family = {
	"nestnet_guests", "gauge",
	"Guests that are known, by the bridge or the tap that they are behind."
};

/* Something of which there are so many. */
struct tally {
	char name[NESTNET_IFNAMSIZ];
	uint64_t n;
};

struct tallies {
	struct tally *list;
	size_t n;
};

/* @return 0 or -ENOMEM */
static int tally_add(struct tallies *tallies, const char *name, uint64_t n)
{
	struct tally *grown;

	for (size_t i = 0; i < tallies->n; i++) {
		if (strcmp(tallies->list[i].name, name) == 0) {
			tallies->list[i].n += n;
			return 0;
		}
	}
	grown = reallocarray(tallies->list, tallies->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	tallies->list = grown;
	grown[tallies->n] = (struct tally){ .n = n };
	snprintf(grown[tallies->n++].name, NESTNET_IFNAMSIZ, "%s", name);
	return 0;
}

static void put_info(struct families *families, const struct nestnet_interface *i)
{
	FILE *file = metrics_begin(families, LINK_INFO);

	metrics_label(file, "interface", i->name, ",");
	metrics_label(file, "kind",
		      i->is_tap      ? "tap"
		      : i->is_bridge ? "bridge"
				     : "port",
		      ",");
	metrics_label(file, "bridge", i->bridge ? i->bridge : "", ",");
	metrics_label(file, "managed", i->is_managed ? "yes" : "no", "} 1\n");
}

struct link_writer {
	struct families families;
	struct tallies ports; /* of bridges */
};

static int take_interface(void *userdata, const struct nestnet_interface *i)
{
	const uint64_t values[N_LINK_FAMILIES - LINK_UP] = {
		i->is_up != 0, i->has_carrier != 0, i->rx_packets, i->tx_packets,
		i->rx_bytes,   i->tx_bytes,         i->rx_errors,  i->tx_errors,
		i->rx_dropped, i->tx_dropped,
	};
	struct link_writer *writer = userdata;
	int r = 0;

	put_info(&writer->families, i);
	for (size_t f = LINK_UP; f < N_LINK_FAMILIES; f++)
		metrics_sample(&writer->families, f, "interface", i->name,
			       values[f - LINK_UP]);
	if (i->is_bridge)
		r = tally_add(&writer->ports, i->name, 0);
	return r == 0 && i->bridge ? tally_add(&writer->ports, i->bridge, 1) : r;
}

/* ---- Guests -------------------------------------------------------------------------------- */

static int take_guest(void *userdata, const struct nestnet_guest *guest)
{
	return tally_add(userdata, guest->bridge ? guest->bridge : guest->tap, 1);
}

static int put_tallies(FILE *file, const struct family *family, const char *label,
		       const struct tallies *tallies)
{
	struct families families;
	int r = metrics_open(&families, family, 1);

	for (size_t i = 0; r == 0 && i < tallies->n; i++)
		metrics_sample(&families, 0, label, tallies->list[i].name,
			       tallies->list[i].n);
	return metrics_close(&families, file, r);
}

int metrics_of_links(struct nestnet *ctx, FILE *file)
{
	struct link_writer writer = { .ports = { .n = 0 } };
	struct tallies guests = { .n = 0 };
	int r = metrics_open(&writer.families, link_families, N_LINK_FAMILIES);

	if (r == 0)
		r = nestnet_interface_list(ctx, take_interface, &writer);
	r = metrics_close(&writer.families, file, r);
	if (r == 0)
		r = put_tallies(file, &ports_family, "bridge", &writer.ports);
	if (r == 0)
		r = nestnet_guest_list(ctx, take_guest, &guests);
	if (r == 0)
		r = put_tallies(file, &guests_family, "behind", &guests);
	free(writer.ports.list);
	free(guests.list);
	return r;
}
