/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_HOST_LIBBPF_MESSAGES_H
#define PARKSCOPE_HOST_LIBBPF_MESSAGES_H

/*
 * libbpf's messages are kept, not printed: an expected failure of a probe says
 * nothing, an unexpected one can show what the kernel said. One buffer for the
 * process, as libbpf has one printer; not for use by several threads at once.
 */

/* Starts to keep libbpf's warnings; forgets what was kept. */
void libbpf_messages_capture(void);

/* All that was kept, oldest first, never NULL. Valid until the next capture. */
const char *libbpf_messages(void);

#endif
