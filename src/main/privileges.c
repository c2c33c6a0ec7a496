/* See privileges.h. */
#include "main/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "main/options.h"

struct identity {
	struct bytes user;
	uid_t uid;
	gid_t gid;
};

static int find(const struct settings *settings, struct identity *ret_identity,
		struct err *ret_err)
{
	struct bytes user = settings_string(settings, &opt_server_user);
	struct bytes group = settings_string(settings, &opt_server_group);
	const struct passwd *passwd = getpwnam(arena_cstr(scratch(), user));
	if (!passwd)
		return err_set(ret_err, -ENOENT, "server.user: no user %.*s", BYTES_ARG(user));
	*ret_identity = (struct identity){ user, passwd->pw_uid, passwd->pw_gid };
	if (group.len == 0)
		return 0;
	const struct group *found = getgrnam(arena_cstr(scratch(), group));
	if (!found)
		return err_set(ret_err, -ENOENT, "server.group: no group %.*s",
			       BYTES_ARG(group));
	ret_identity->gid = found->gr_gid;
	return 0;
}

int privileges_drop(const struct settings *settings, const char *data_dir, struct err *ret_err)
{
	struct identity who = { 0 };
	if (geteuid() != 0)
		return 0;
	if (settings_string(settings, &opt_server_user).len == 0) {
		log_event(LOG_MAIN, LOG_WARN, "privileges.kept",
			  LOG_STR("hint",
				  "set server.user, or start hearthd as a user of its own"));
		return 0;
	}
	int status = find(settings, &who, ret_err);
	if (status < 0)
		return status;
	struct bytes lock = arena_printf(scratch(), "%s/lock", data_dir);
	if (chown(data_dir, who.uid, who.gid) < 0 || chown(lock.ptr, who.uid, who.gid) < 0)
		return err_set(ret_err, -errno, "%s: %s", data_dir, strerror(errno));
	if (setgroups(0, NULL) < 0 || setresgid(who.gid, who.gid, who.gid) < 0 ||
	    setresuid(who.uid, who.uid, who.uid) < 0)
		return err_set(ret_err, -errno, "server.user: %s", strerror(errno));
	log_event(LOG_MAIN, LOG_INFO, "privileges.dropped", LOG_BYTES("user", who.user));
	return 0;
}
