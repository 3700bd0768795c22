// Monte-Carlo pi as a SPITS module.
//
//   g++ -O2 -std=c++17 -shared -fPIC -o libpi.so pi.cpp
//
// Arguments: samples per task, number of tasks. Task k draws its points from a generator seeded with k, so the result
// is the same whoever runs which task how often. The result has one line per task (id, points inside the circle) and
// the estimate last; it is printed and written to $PI_RESULT, or ./result.txt.
#include <cstdint>
#include <cstdio>
#include <map>
#include <sstream>

#include "spits.hpp"

namespace {
struct Arguments {
  uint64_t samples, tasks;
};

Arguments parse(int argc, const char** argv) {
  return {argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000000, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 400};
}

// Numbers travel big-endian, so that peers of different architectures agree.
void put(std::string& into, uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) into.push_back(static_cast<char>(number >> shift & 0xff));
}

uint64_t get(const void* data, int index) {
  const auto* bytes = static_cast<const unsigned char*>(data) + 8 * index;
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = number << 8 | bytes[i];
  return number;
}

// SplitMix64 (Steele, Lea, Flood 2014): tiny, and the same on every machine.
struct SplitMix64 {
  uint64_t state;
  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
};

uint64_t count_inside(uint64_t seed, uint64_t samples) {
  SplitMix64 random{seed * 0xd1342543de82ef95ull};
  uint64_t inside = 0;
  for (uint64_t i = 0; i < samples; ++i) {
    const uint64_t bits = random.next();
    const uint64_t x = bits >> 32, y = bits & 0xffffffffu;
    inside += (x * x >> 1) + (y * y >> 1) < (uint64_t{1} << 63);
  }
  return inside;
}

struct JobManager {
  uint64_t next, last, samples;
};

struct Worker {
  const void* metrics;
};

struct Committer {
  uint64_t samples;
  std::map<uint64_t, uint64_t> inside;  // task -> points inside
};
}  // namespace

extern "C" {
int spits_main(int argc, const char** argv, spitsrunner_t runner) {
  const void* result = nullptr;
  spitssize_t size = 0;
  const int status = runner(argc, argv, nullptr, 0, &result, &size);
  if (status) return status;
  const char* path = std::getenv("PI_RESULT");
  FILE* file = std::fopen(path ? path : "result.txt", "wb");
  if (!file) return 1;
  std::fwrite(result, 1, size, file);
  std::fclose(file);
  std::fwrite(result, 1, size, stdout);
  std::fflush(stdout);
  return 0;
}

void* spits_job_manager_new(int argc, const char** argv, const void*, spitssize_t, spitsmetrics_t) {
  const Arguments arguments = parse(argc, argv);
  return new JobManager{1, arguments.tasks, arguments.samples};
}

int spits_job_manager_next_task(void* self, spitspush_t push, spitsctx_t context) {
  auto* manager = static_cast<JobManager*>(self);
  if (manager->next > manager->last) return 0;
  std::string task;
  put(task, manager->next++);
  put(task, manager->samples);
  push(task.data(), task.size(), context);
  return 1;
}

void spits_job_manager_finalize(void* self) { delete static_cast<JobManager*>(self); }

void* spits_worker_new(int, const char**, spitsmetrics_t metrics) { return new Worker{metrics}; }

int spits_worker_run(void* self, const void* task, spitssize_t size, spitspush_t push, spitsctx_t context) {
  if (size != 16) return 1;
  const uint64_t id = get(task, 0), samples = get(task, 1);
  const uint64_t inside = count_inside(id, samples);
  spits_set_metric_float(static_cast<Worker*>(self)->metrics, "pi", 4.0f * inside / (samples ? samples : 1));
  std::string result;
  put(result, id);
  put(result, inside);
  push(result.data(), result.size(), context);
  return 0;
}

void spits_worker_finalize(void* self) { delete static_cast<Worker*>(self); }

void* spits_committer_new(int argc, const char** argv, const void*, spitssize_t, spitsmetrics_t) {
  return new Committer{parse(argc, argv).samples, {}};
}

int spits_committer_commit_pit(void* self, const void* result, spitssize_t size) {
  if (size != 16) return 1;
  // A second commit of the same task would show in the result.
  static_cast<Committer*>(self)->inside[get(result, 0)] += get(result, 1);
  return 0;
}

int spits_committer_commit_job(void* self, spitspush_t push, spitsctx_t context) {
  auto* committer = static_cast<Committer*>(self);
  std::ostringstream text;
  uint64_t total = 0;
  for (const auto& task : committer->inside) {
    text << task.first << ' ' << task.second << '\n';
    total += task.second;
  }
  char estimate[64];
  const double points = static_cast<double>(committer->samples) * committer->inside.size();
  std::snprintf(estimate, sizeof estimate, "pi %.12f\n", points > 0 ? 4.0 * total / points : 0.0);
  text << estimate;
  push(text.str().data(), text.str().size(), context);
  return 0;
}

void spits_committer_finalize(void* self) { delete static_cast<Committer*>(self); }
}
