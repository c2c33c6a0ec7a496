/*
 * A disk that fails when told: a shim around SQLite's own file layer. faulty_write and
 * faulty_sync are SQLite results (SQLITE_FULL, SQLITE_IOERR_FSYNC) for the next writes and
 * syncs of any file, until they are 0 again. Any thread.
 */
#ifndef TEST_STORE_FAULTY_VFS_H
#define TEST_STORE_FAULTY_VFS_H

extern _Atomic int faulty_write;
extern _Atomic int faulty_sync;

/* Becomes SQLite's default. Before the first connection is opened. */
void faulty_vfs_install(void);

#endif
