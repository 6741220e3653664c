/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nestnet-bridge-helper: a tap in a bridge for a virtual machine monitor that may not make
 * one itself. It takes the arguments of QEMU's qemu-bridge-helper, and hands the tap over in
 * the same way.
 *
 * Who could attack
 *	Any local user runs this, with whatever arguments, environment, descriptors, limits,
 *	signals, working directory and file mode mask, and may stop or kill it at any point.
 *	The user wants a tap in a bridge that the ACL does not give; or the kernel's network
 *	configuration changed in another way; or the contents of a file; or a process with
 *	privileges to take over. Root, and who may write what root owns, is trusted.
 *
 * What is done about it
 *	Least privilege. The first thing done is to give up all but CAP_NET_ADMIN, and to be
 *	the caller in all else: with setuid root as with file capabilities. So no file is
 *	read that the caller could not read. With the tap made, that capability goes too,
 *	before anything is sent. There is no exec to come, nor could it gain anything
 *	(no_new_privs).
 *	Who asks is the real user, with its real and supplementary groups, by number.
 *	Closed by default. No ACL, one that others than root could have changed, or a line
 *	that is not understood: no tap. What denies wins, wherever it stands.
 *	Nothing of the caller's is relied upon. The environment is emptied before any library
 *	looks at it; closed standard descriptors become /dev/null, lest a socket of ours
 *	takes their place and gets the messages; other descriptors are left alone, and --fd
 *	has to be a connected Unix stream socket. Paths are absolute. Sending does not wait.
 *	Everything has a length before it is copied. Messages are one line of printable
 *	characters, and of an ACL they repeat the paths of its includes alone.
 *	All or nothing. The tap ends with its last descriptor, so that whenever we are
 *	stopped, killed, or refused memory or descriptors, nothing is left; its guards are
 *	in force before it is up. Descriptors are sent last, in one message.
 *
 * What is out of scope
 *	The user may keep a tap once it has it: an open descriptor can be passed on, made
 *	persistent, and change the tap's own MAC address and owner (the kernel asks for no
 *	privilege), so that a rule that is taken back ends no tap that is there, and a tap
 *	with the MAC address of a neighbour's guest keeps frames from that. What its own
 *	guest may send is what the guards say all the same. How many taps a user has is not
 *	counted. In a user namespace of its own anybody may do as it likes with the networks
 *	that belong to it, with its own ACL; capabilities from there are of no use here.
 */

#include "acl.h"
#include "complain.h"
#include "handover.h"
#include "privileges.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATUS_OK = 0, STATUS_REFUSED = 1, STATUS_USAGE = 2 };

struct arguments {
	struct tap_wish wish;
	int fd;
};

static const char help[] =
	"usage: nestnet-bridge-helper [--use-vnet] [--queues=N] --br=BRIDGE --fd=SOCKET\n"
	"\n"
	"Makes a tap in BRIDGE and sends its descriptors over a Unix stream socket.\n"
	"  --br=BRIDGE  that " BRIDGE_CONF " allows\n"
	"  --fd=SOCKET  the number of the descriptor, 3 or more\n"
	"  --use-vnet   frames have a virtio-net header\n"
	"  --queues=N   so many descriptors in one message (1)\n"
	"Example: qemu-system-x86_64 ... -netdev bridge,id=n0,br=virbr0,helper=PATH \\\n"
	"         -device virtio-net-pci,netdev=n0\n";

/* ---- Arguments ---------------------------------------------------------------------------- */

/* @return false where it is no number in that range, or not the first of its kind */
static bool read_number(const char *text, unsigned int least, unsigned int most,
			bool is_first, unsigned int *ret)
{
	size_t len = strlen(text);
	unsigned long value;

	if (!is_first || len == 0 || len > 9 || strspn(text, "0123456789") < len)
		return false;
	value = strtoul(text, NULL, 10);
	if (value < least || value > most)
		return false;
	*ret = (unsigned int)value;
	return true;
}

static bool take_bridge(struct arguments *arguments, const char *name)
{
	const char *why = rule_why_not_bridge(name);

	if (arguments->wish.bridge)
		return complain("--br: said twice");
	if (why)
		return complain("--br: %s", why);
	arguments->wish.bridge = name;
	return true;
}

static bool take_argument(struct arguments *arguments, const char *argument)
{
	struct tap_wish *wish = &arguments->wish;
	unsigned int fd = 0;

	if (strncmp(argument, "--br=", 5) == 0)
		return take_bridge(arguments, argument + 5);
	if (strcmp(argument, "--use-vnet") == 0 && !wish->has_vnet_hdr)
		return wish->has_vnet_hdr = true;
	if (strncmp(argument, "--queues=", 9) == 0)
		return read_number(argument + 9, 1, HANDOVER_MAX, wish->queues == 0,
				   &wish->queues) ||
		       complain("--queues: want one number from 1 to %d", HANDOVER_MAX);
	if (strncmp(argument, "--fd=", 5) == 0) {
		if (!read_number(argument + 5, 3, 999999999, arguments->fd < 0, &fd))
			return complain("--fd: want one number from 3");
		arguments->fd = (int)fd;
		return true;
	}
	return complain("unknown or repeated argument (--help lists them)");
}

static bool read_arguments(int argc, char **argv, struct arguments *ret)
{
	*ret = (struct arguments){ .fd = -1 };
	for (int i = 1; i < argc; i++) {
		if (!take_argument(ret, argv[i]))
			return false;
	}
	if (!ret->wish.bridge || ret->fd < 0)
		return complain(
			"--br=BRIDGE and --fd=SOCKET are needed (--help tells more)");
	if (ret->wish.queues == 0)
		ret->wish.queues = 1;
	return true;
}

/* ---- The environment ---------------------------------------------------------------------- */

/* Libraries look at the environment before main(): libnl would print addresses of memory where
 * NLDBG is set. So it ends before they start. */
static void forget_environment(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	environment[0] = NULL;
}

__attribute__((section(".preinit_array"),
	       used)) static void (*const before_libraries)(int, char **,
							    char **) = forget_environment;

/* ---- What is done ------------------------------------------------------------------------- */

/* Nothing of ours may get the number of a standard descriptor. */
static bool open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return complain_errno("/dev/null");
	close(fd);
	return true;
}

static bool begin(void)
{
	if (!open_standard())
		return false;
	if (clearenv() != 0 || chdir("/") < 0)
		return complain_errno("begin");
	umask(077);
	return privileges_keep_net_admin();
}

static bool hand_over(const struct arguments *arguments, const struct rule *grant,
		      const struct caller *caller)
{
	int fds[HANDOVER_MAX];

	if (!tap_make(&arguments->wish, grant, caller, fds))
		return false;
	return privileges_drop() &&
	       handover_send(arguments->fd, fds, arguments->wish.queues);
}

/* @param acl  all of it 0 */
static bool serve(const struct arguments *arguments, struct acl *acl)
{
	struct caller caller;
	bool is_served;

	if (!handover_check(arguments->fd) || !privileges_caller(&caller))
		return false;
	acl->bridge = arguments->wish.bridge;
	acl->caller = &caller;
	is_served = acl_decide(acl, BRIDGE_CONF) &&
		    hand_over(arguments, &acl->grant, &caller);
	free(caller.groups);
	return is_served;
}

int main(int argc, char **argv)
{
	struct arguments arguments;
	struct acl acl = { .n_files = 0 };

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(help, stdout) < 0;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("nestnet-bridge-helper " NESTNET_VERSION) < 0;
	if (!begin())
		return STATUS_REFUSED;
	if (!read_arguments(argc, argv, &arguments))
		return STATUS_USAGE;
	return serve(&arguments, &acl) ? STATUS_OK : STATUS_REFUSED;
}
