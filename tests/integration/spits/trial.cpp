// A module for trials: every role does what the command line says, good or bad.
//
// Arguments: tasks, milliseconds per task, bytes per task and result, runs, behaviour, task that behaves so, gate.
// Tasks after number "gate" wait until there is a file "gate": a test lets them go when it has seen what it waits for.
// The result counts how often each task of each run was committed, so that a second commit would show.
// Compiled with -DABI1 it lacks the metrics and their parameters.
#include <unistd.h>

#include <limits>
#include <sstream>
#include <stdexcept>

#ifdef ABI1
#define spits_metrics_new not_exported_metrics_new  // the symbol by which a runtime tells the versions apart
#endif
#include "../../../examples/pi/spits.hpp"

namespace {
struct Plan {
  long tasks, milliseconds, bytes, runs;
  std::string behaviour;
  long poison, gate;
};

Plan parse(int argc, const char** argv) {
  const auto number = [&](int i, long otherwise) { return argc > i ? std::atol(argv[i]) : otherwise; };
  return {number(1, 10), number(2, 0), number(3, 0), number(4, 1), argc > 5 ? argv[5] : "none", number(6, 0),
          number(7, std::numeric_limits<long>::max())};
}

struct JobManager {
  Plan plan;
  long next;
};

struct Committer {
  Plan plan;
  std::string run;
  std::map<long, long> commits;
};

std::string padded(long id, long bytes) {
  std::string text = std::to_string(id);
  if (static_cast<long>(text.size()) < bytes) text.append(bytes - text.size(), ' ');
  return text;
}
}  // namespace

#ifdef ABI1
#define METRICS
#else
#define METRICS , [[maybe_unused]] spitsmetrics_t metrics
#endif

extern "C" {
int spits_main(int argc, const char** argv, spitsrunner_t runner) {
  const Plan plan = parse(argc, argv);
  if (plan.behaviour == "speak") std::puts("main begins");
  std::string all;
  for (long run = 1; run <= plan.runs; ++run) {
    const std::string info = "run" + std::to_string(run);
    const void* result = nullptr;
    spitssize_t size = 0;
    if (runner(argc, argv, info.data(), info.size(), &result, &size)) return 3;
    all.append(static_cast<const char*>(result), size);
  }
  FILE* file = std::fopen("result.txt", "wb");
  std::fwrite(all.data(), 1, all.size(), file);
  std::fclose(file);
  if (plan.behaviour == "speak") std::printf("main ends");  // without a line's end
  return plan.behaviour == "main-fails" ? 7 : 0;
}

void* spits_job_manager_new(int argc, const char** argv, const void*, spitssize_t METRICS) {
  return new JobManager{parse(argc, argv), 1};
}

int spits_job_manager_next_task(void* self, spitspush_t push, spitsctx_t context) {
  auto* manager = static_cast<JobManager*>(self);
  if (manager->next > manager->plan.tasks) return 0;
  const std::string task = padded(manager->next, manager->plan.bytes);
  const bool poison = manager->next++ == manager->plan.poison;
  if (poison && manager->plan.behaviour == "generate-crash") std::abort();
  if (poison && manager->plan.behaviour == "generate-nothing") return 1;
  push(task.data(), task.size(), context);
  if (poison && manager->plan.behaviour == "generate-twice") push(task.data(), task.size(), context);
  return 1;
}

void spits_job_manager_finalize(void* self) { delete static_cast<JobManager*>(self); }

void* spits_worker_new(int argc, const char** argv METRICS) {
#ifndef ABI1
  spits_set_metric_string(metrics, "greeting", "hello");
  spits_set_metric_bytes(metrics, "raw", reinterpret_cast<const unsigned char*>("\x01\x02"), 2);
#endif
  return new Plan(parse(argc, argv));
}

int spits_worker_run(void* self, const void* task, spitssize_t size, spitspush_t push, spitsctx_t context) {
  const Plan& plan = *static_cast<Plan*>(self);
  const long id = std::atol(std::string(static_cast<const char*>(task), size).c_str());
  while (id > plan.gate && access("gate", F_OK)) usleep(2000);
  const std::string behaviour = id == plan.poison ? plan.behaviour : "none";
  if (behaviour == "speak") std::puts("the task says something and crashes");
  if (behaviour == "crash" || behaviour == "speak") std::abort();
  if (behaviour == "throw") throw std::runtime_error("trial");
  if (behaviour == "hang") pause();
  if (behaviour == "once-crash" && access("crashed", F_OK)) {
    std::fclose(std::fopen("crashed", "w"));
    std::abort();
  }
  if (behaviour == "once-hang" && access("hung", F_OK)) {
    std::fclose(std::fopen("hung", "w"));
    pause();
  }
  if (id <= plan.gate) usleep(plan.milliseconds * 1000);
  const std::string result = padded(id, plan.bytes);
  if (behaviour != "nothing") push(result.data(), result.size(), context);
  if (behaviour == "twice") push(result.data(), result.size(), context);
  return behaviour == "nonzero" ? 42 : 0;
}

void spits_worker_finalize(void* self) { delete static_cast<Plan*>(self); }

void* spits_committer_new(int argc, const char** argv, const void* info, spitssize_t size METRICS) {
  return new Committer{parse(argc, argv), std::string(static_cast<const char*>(info), size), {}};
}

int spits_committer_commit_pit(void* self, const void* result, spitssize_t size) {
  auto* committer = static_cast<Committer*>(self);
  const long id = std::atol(std::string(static_cast<const char*>(result), size).c_str());
  if (id == committer->plan.poison && committer->plan.behaviour == "commit-crash") std::abort();
  if (id == committer->plan.poison && committer->plan.behaviour == "commit-exit") std::_Exit(1);
  ++committer->commits[id];
  return 0;
}

int spits_committer_commit_job(void* self, spitspush_t push, spitsctx_t context) {
  auto* committer = static_cast<Committer*>(self);
  if (committer->plan.behaviour == "finish-crash") std::abort();
  if (committer->plan.behaviour == "finish-once-crash" && access("crashed", F_OK)) {
    std::fclose(std::fopen("crashed", "w"));
    std::abort();
  }
  std::ostringstream text;
  for (const auto& task : committer->commits) text << committer->run << ' ' << task.first << ' ' << task.second << '\n';
  push(text.str().data(), text.str().size(), context);
  return 0;
}

void spits_committer_finalize(void* self) { delete static_cast<Committer*>(self); }
}
