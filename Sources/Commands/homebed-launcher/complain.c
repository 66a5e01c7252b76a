#include "launcher.h"

#include <stdarg.h>
#include <stdio.h>

void complain(const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  dprintf(2, "homebed-launcher: %s\n", text);
}
