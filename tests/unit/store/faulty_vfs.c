#include "faulty_vfs.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

_Atomic int faulty_write;
_Atomic int faulty_sync;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs faulty_vfs;

/*
 * The real layer goes on to work with its own file object; only its table of methods is swapped
 * for one that comes here for write, sync and close, and that remembers the old one.
 */
struct patched {
	sqlite3_io_methods methods; /* first: the file points here */
	const sqlite3_io_methods *real;
};

static const struct patched *patched_of(const sqlite3_file *file)
{
	return (const struct patched *)(const void *)file->pMethods;
}

static int faulty_xWrite(sqlite3_file *file, const void *ptr, int len, sqlite3_int64 offset)
{
	if (faulty_write)
		return faulty_write;
	return patched_of(file)->real->xWrite(file, ptr, len, offset);
}

static int faulty_xSync(sqlite3_file *file, int flags)
{
	if (faulty_sync)
		return faulty_sync;
	return patched_of(file)->real->xSync(file, flags);
}

static int faulty_xClose(sqlite3_file *file)
{
	struct patched *patched = (struct patched *)(void *)(uintptr_t)file->pMethods;

	file->pMethods = patched->real;
	free(patched);
	return file->pMethods->xClose(file);
}

static int faulty_xOpen(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
			int *ret_flags)
{
	int result = real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);
	struct patched *patched;

	(void)vfs;
	if (result != SQLITE_OK || !file->pMethods)
		return result;
	patched = malloc(sizeof(*patched));
	patched->real = file->pMethods;
	patched->methods = *file->pMethods;
	patched->methods.xWrite = faulty_xWrite;
	patched->methods.xSync = faulty_xSync;
	patched->methods.xClose = faulty_xClose;
	file->pMethods = &patched->methods;
	return result;
}

void faulty_vfs_install(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	faulty_vfs = *real_vfs;
	faulty_vfs.zName = "faulty";
	faulty_vfs.pNext = NULL;
	faulty_vfs.xOpen = faulty_xOpen;
	sqlite3_vfs_register(&faulty_vfs, 1);
}
