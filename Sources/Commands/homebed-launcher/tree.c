// A chain of three: the launcher, an init that is process 1 of a pid namespace, and the command.
//
// When the command ends, the init ends, and the kernel kills whatever else is in the namespace; the init can be waited
// for only after all of that is gone. When the launcher is killed, the init gets SIGKILL (PR_SET_PDEATHSIG), with the
// same effect. The launcher has one thread, so "the parent thread" that this signal follows is the launcher itself.
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int stop_was_asked;

int was_asked_to_stop(void) { return stop_was_asked; }

static int crash_signal(void) { return SIGRTMIN + 1; }

static sigset_t forwarded(void) {
  sigset_t set;
  sigemptyset(&set);
  int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};
  for (unsigned i = 0; i < sizeof signals / sizeof signals[0]; i++) sigaddset(&set, signals[i]);
  sigaddset(&set, crash_signal());
  sigaddset(&set, SIGCHLD);
  return set;
}

static int status_code(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

// Reaps all children and passes signals on to `child` until it ends; returns its exit code.
static int attend(pid_t child, const sigset_t *signals, int is_launcher) {
  for (;;) {
    siginfo_t info;
    int number = sigwaitinfo(signals, &info);
    if (number < 0) continue;  // EINTR after SIGCONT
    if (number == SIGCHLD) {
      int status;
      pid_t pid;
      while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == child) return status_code(status);
      continue;
    }
    stop_was_asked = 1;
    // What the terminal sends, it sends to the whole foreground group: the command has it already.
    if (info.si_code == SI_KERNEL) continue;
    // A crash: no notice for anyone. The launcher then waits as ever, and returns when the last descendant is gone.
    if (number == crash_signal()) number = is_launcher ? SIGKILL : 0;
    if (number) kill(child, number);
  }
}

static void execute(char *command[], const sigset_t *before) {
  sigprocmask(SIG_SETMASK, before, NULL);
  execvp(command[0], command);
  int missing = errno == ENOENT || errno == ENOTDIR;
  complain("cannot run %s: %s", command[0], strerror(errno));
  _exit(missing ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

static int be_init(char *command[], int (*prepare)(void), const sigset_t *signals, const sigset_t *before) {
  if (prepare) {
    int code = prepare();
    if (code) return code;
  }
  pid_t child = fork();
  if (child < 0) {
    complain("cannot start a process: %s", strerror(errno));
    return EXIT_BROKEN;
  }
  if (child == 0) execute(command, before);
  return attend(child, signals, 0);
}

int run_tree(char *command[], int (*prepare)(void)) {
  sigset_t signals = forwarded(), before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  // An ignored SIGCHLD, inherited from a careless parent, would lose the command's status.
  signal(SIGCHLD, SIG_DFL);
  int life[2];
  if (pipe2(life, O_CLOEXEC) < 0) {
    complain("cannot make a pipe: %s", strerror(errno));
    return EXIT_BROKEN;
  }
  pid_t init = fork();
  if (init < 0) {
    complain("cannot start a process: %s", strerror(errno));
    return EXIT_BROKEN;
  }
  if (init == 0) {
    close(life[1]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // If the launcher died before that call, its end of the pipe is closed.
    struct pollfd parent = {.fd = life[0], .events = POLLIN};
    if (poll(&parent, 1, 0) != 0) _exit(EXIT_BROKEN);
    close(life[0]);
    _exit(be_init(command, prepare, &signals, &before));
  }
  close(life[0]);
  return attend(init, &signals, 1);
}

int run_child(char *command[], int (*prepare)(void)) {
  sigset_t signals = forwarded(), before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  signal(SIGCHLD, SIG_DFL);
  pid_t child = fork();
  if (child < 0) {
    complain("cannot start a process: %s", strerror(errno));
    return EXIT_BROKEN;
  }
  if (child == 0) {
    int code = prepare();
    if (code) _exit(code);
    execute(command, &before);
  }
  return attend(child, &signals, 0);
}

int mount_proc(void) {
  // EPERM in containers that hide parts of /proc: the old one still serves, with the outer process numbers.
  mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  return 0;
}
