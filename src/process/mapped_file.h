/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef PARKSCOPE_PROCESS_MAPPED_FILE_H
#define PARKSCOPE_PROCESS_MAPPED_FILE_H

#include <sys/types.h>

#include "base/error.h"
#include "process/process_maps.h"

/*
 * Opens the file behind a mapping for reading.
 *
 * The way is /proc/PID/map_files/START-END, which leads to the very file that is
 * mapped: also to one that was deleted, replaced, or is in another mount
 * namespace. It needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN. Only where the
 * kernel refuses it, /proc/PID/root and the path are tried, and then the file
 * must have the device and inode number of the mapping; that is also what happens
 * without `use_map_files`. (Those numbers differ
 * from stat(2) for good files on btrfs and overlayfs; there it fails.)
 *
 * Only regular files are opened. Everything else is turned away before open(2)
 * reaches it, so that neither a FIFO blocks nor a device notices. A file system
 * that does not answer (FUSE, a dead NFS server) can still block.
 *
 * Who uses the file must read it with pread(2), never map it: its owner can
 * truncate it at any time, which would be a SIGBUS here. The process may have
 * mapped another file meanwhile: what was opened is known by fstat(2) only.
 *
 * Returns a file descriptor that the caller closes, or a negative errno: -ENOENT
 * where the mapping is gone, -EINVAL where there is no regular file behind it,
 * -ESTALE where the path leads to another file, else what the kernel says.
 */
int mapped_file_open(pid_t pid, const struct mapping *mapping, bool use_map_files,
		     struct error *error);

/*
 * The two halves of it, for who may know the file already: a descriptor by which the file
 * can be told (fstat(2)), but not read, at a third of the cost; and one to read it by.
 */
int mapped_file_name(pid_t pid, const struct mapping *mapping, bool use_map_files,
		     struct error *error);
int mapped_file_open_named(int named);

#endif
