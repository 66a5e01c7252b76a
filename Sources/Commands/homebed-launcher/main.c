#include "launcher.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: homebed-launcher world -- COMMAND [ARGUMENT ...]\n"
    "           runs COMMAND in namespaces of its own; all of it ends when either ends\n"
    "       homebed-launcher node --netns PATH [--state DIR] [--resolv FILE] [--env-file FILE] -- COMMAND ...\n"
    "           runs COMMAND in the network namespace PATH, with its own pids, /run and resolv.conf\n"
    "       homebed-launcher enter --pid PID --descriptor N [--resolv FILE] -- COMMAND ...\n"
    "           runs COMMAND in the world of the process PID, and in the network namespace that is its descriptor N\n"
    "       homebed-launcher reaper [--state DIR] -- COMMAND ...\n"
    "           runs COMMAND without namespaces; all its descendants end with it, or when standard input closes\n"
    "       homebed-launcher probe\n"
    "           exits 0 if a world can be made here, else 77 with a sentence that says why\n"
    "exit status: the command's, 128 + N if signal N ended it, 126 or 127 if it cannot be run,\n"
    "             77 if namespaces are not permitted, 78 if the launcher failed, 2 for wrong usage\n";

static int wrong(const char *words, const char *which) {
  complain("%s%s", words, which);
  fputs(usage, stderr);
  return EXIT_USAGE;
}

int main(int count, char *arguments[]) {
  const char *verb = count > 1 ? arguments[1] : "";
  if (!strcmp(verb, "--help") || !strcmp(verb, "-h")) {
    fputs(usage, stdout);
    return 0;
  }
  if (!strcmp(verb, "probe")) return count == 2 ? run_probe() : wrong("probe takes no argument, got ", arguments[2]);
  int world = !strcmp(verb, "world"), enter = !strcmp(verb, "enter"), node = !strcmp(verb, "node");
  int reaper = !strcmp(verb, "reaper");
  if (!world && !enter && !node && !reaper)
    return wrong("expected world, node, enter, reaper or probe, got ", *verb ? verb : "nothing");

  struct node_options options = {0};
  struct enter_options entry = {0};
  struct { int known; const char *name; const char **value; } known[] = {
      {node, "--netns", &options.netns},          {node || reaper, "--state", &options.state},
      {node, "--resolv", &options.resolv},        {node, "--env-file", &options.env_file},
      {enter, "--pid", &entry.pid},               {enter, "--descriptor", &entry.descriptor},
      {enter, "--resolv", &entry.resolv},
  };
  int at = 2;
  for (; at < count && strcmp(arguments[at], "--"); at += 2) {
    const char **value = NULL;
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++)
      if (known[i].known && !strcmp(arguments[at], known[i].name)) value = known[i].value;
    if (!value) return wrong("unknown option ", arguments[at]);
    if (at + 1 >= count) return wrong("a value must follow ", arguments[at]);
    *value = arguments[at + 1];
  }
  if (at + 1 >= count) return wrong("a command must follow --", "");
  if (world) return run_world(arguments + at + 1);
  if (enter && (!entry.pid || !entry.descriptor)) return wrong("--pid and --descriptor are needed", "");
  if (enter) return run_enter(&entry, arguments + at + 1);
  if (reaper) return run_reaper(options.state, arguments + at + 1);
  if (!options.netns) return wrong("--netns is missing", "");
  return run_node(&options, arguments + at + 1);
}
