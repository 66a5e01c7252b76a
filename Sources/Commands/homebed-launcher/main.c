#include "launcher.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: homebed-launcher world -- COMMAND [ARGUMENT ...]\n"
    "           runs COMMAND in namespaces of its own; all of it ends when either ends\n"
    "       homebed-launcher node --netns PATH [--state DIR] [--resolv FILE] [--env-file FILE] -- COMMAND ...\n"
    "           runs COMMAND in the network namespace PATH, with its own pids, /run and resolv.conf\n"
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
  int world = !strcmp(verb, "world");
  if (!world && strcmp(verb, "node")) return wrong("expected world, node or probe, got ", *verb ? verb : "nothing");

  struct node_options options = {0};
  struct { const char *name; const char **value; } known[] = {
      {"--netns", &options.netns}, {"--state", &options.state},
      {"--resolv", &options.resolv}, {"--env-file", &options.env_file},
  };
  int at = 2;
  for (; at < count && strcmp(arguments[at], "--"); at += 2) {
    const char **value = NULL;
    for (unsigned i = 0; !world && i < sizeof known / sizeof known[0]; i++)
      if (!strcmp(arguments[at], known[i].name)) value = known[i].value;
    if (!value) return wrong("unknown option ", arguments[at]);
    if (at + 1 >= count) return wrong("a value must follow ", arguments[at]);
    *value = arguments[at + 1];
  }
  if (at + 1 >= count) return wrong("a command must follow --", "");
  if (world) return run_world(arguments + at + 1);
  if (!options.netns) return wrong("--netns is missing", "");
  return run_node(&options, arguments + at + 1);
}
