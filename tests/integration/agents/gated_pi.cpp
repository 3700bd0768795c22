// The pi example with tasks that wait until the test lets them go: each takes a byte from the pipe that PI_GATE names.
// Without that variable they do not wait, nor once the test has closed the pipe.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#define spits_worker_run run_at_once
#include "../../../examples/pi/pi.cpp"
#undef spits_worker_run

namespace {
void wait_at_the_gate() {
  const char* path = std::getenv("PI_GATE");
  if (!path) return;
  static const int gate = open(path, O_RDONLY);
  char pass;
  while (read(gate, &pass, 1) < 0 && errno == EINTR) {
  }
}
}  // namespace

extern "C" int spits_worker_run(void* self, const void* task, spitssize_t size, spitspush_t push, spitsctx_t context) {
  wait_at_the_gate();
  return run_at_once(self, task, size, push, context);
}
