/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef NESTNET_TESTS_FAULTS_H
#define NESTNET_TESTS_FAULTS_H

/*
 * A real kernel with a bad line to it. What the library sends, receives, writes to settings
 * and asks of /dev/net/tun can be made to fail, once or for ever, from the n-th on; and a
 * test can step in just before a batch is sent.
 */

#include <nestnet/nestnet.h>
#include <stdbool.h>

enum fault {
	FAULT_NONE,
	FAULT_SEND,          /* one message is not sent */
	FAULT_SENDS,         /* from there on none is */
	FAULT_ANSWER_UNREAD, /* one receive fails, and its answer stays in the queue */
	FAULT_ANSWER,        /* one answer is lost */
	FAULT_THREE_ANSWERS, /* as many as the core asks again for */
	FAULT_ANSWERS,       /* from there on all are */
	FAULT_BATCH, /* the kernel refuses a batch: its last message has a wrong table */
	FAULT_WRITE, /* one setting cannot be written */
	FAULT_WRITES,
	FAULT_IOCTL, /* one ioctl fails */
	FAULT_IOCTLS,
	FAULT_KINDS
};

const char *fault_name(enum fault fault);

/** It is one failure, after which everything works again. */
bool fault_is_single(enum fault fault);

/** It fails with an errno, and not with what the kernel answers. */
bool fault_has_code(enum fault fault);

/** Arms the n-th such event (from 1) from now on, on the context's sockets. */
void faults_arm(struct nestnet *ctx, enum fault fault, unsigned int n);

/** The errno that it fails with, where it is not to be the usual one. */
void faults_set_code(int code);

/** Ends it. @return whether the fault came to pass */
bool faults_disarm(void);

/** Called before each batch is sent, until faults_disarm(). */
void faults_before_batch(struct nestnet *ctx, void (*fn)(void *userdata), void *userdata);

/** Called once, before the n-th ioctl (from 1) from now on, until faults_disarm(). */
void faults_before_ioctl(struct nestnet *ctx, unsigned int n, void (*fn)(void));

/** The same, before the n-th message; that it came to pass, faults_disarm() says. */
void faults_before_send(struct nestnet *ctx, unsigned int n, void (*fn)(void));

/** Messages sent since then, batches among them, and dumps. */
unsigned int faults_sends(void);
unsigned int faults_batches(void);
unsigned int faults_dumps(void);

#endif
