// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/count.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

static bool is_memory(long nr)
{
	return nr == SYS_mmap || nr == SYS_munmap || nr == SYS_brk || nr == SYS_madvise ||
	       nr == SYS_mremap || nr == SYS_mprotect;
}

static void child(void (*work)(void *data), void *data)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(1);
	/* The parent counts from here … */
	raise(SIGSTOP);
	work(data);
	/* … to here, without what exit handlers do. */
	_exit(0);
}

long count_system_calls(void (*work)(void *data), void *data)
{
	struct ptrace_syscall_info info;
	long count = 0;
	pid_t pid = fork();
	int status;

	if (pid == 0)
		child(work, data);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return -1;
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -1;
	}
	while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid) {
		if (WIFEXITED(status))
			/* Without the return of raise() and the exit itself. */
			return WEXITSTATUS(status) == 0 ? count - 1 : -1;
		if (WIFSIGNALED(status))
			return -1;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
			continue;
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !is_memory((long)info.entry.nr))
			count++;
	}
	return -1;
}
