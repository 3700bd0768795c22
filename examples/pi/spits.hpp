// The C interface of SPITS modules, ABI 2, and a small implementation of the metrics every module exports.
// Include it in exactly one file of a module. Facts of the interface: lmcad-unicamp/spits-2.0 (MIT).
#pragma once
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>

extern "C" {
typedef long long spitssize_t;
typedef const void* spitsctx_t;
typedef const void* spitsmetrics_t;
typedef void (*spitspush_t)(const void* data, spitssize_t size, spitsctx_t context);
typedef int (*spitsrunner_t)(int argc, const char** argv, const void* jobinfo, spitssize_t size, const void** result,
                             spitssize_t* result_size);

struct buffer_info { char* name; int type; unsigned capacity; };
struct buffer_infos { unsigned quantity; buffer_info* infos; };
struct metric_info {
  union { unsigned char* bytes; int integer; float real; } data;
  unsigned data_size;
  unsigned long seconds, nano_seconds;
  unsigned sequence_no;
};
struct buffer_metrics { char* name; unsigned type, num_metrics; metric_info* metrics; };
}

namespace spits {
enum Kind { kInt, kFloat, kString, kBytes };

struct Series {
  int kind = kInt;
  unsigned next = 0;
  std::deque<metric_info> values;  // oldest first; byte values are owned, see release()
};

struct Metrics {
  explicit Metrics(unsigned capacity) : capacity(capacity) {}
  ~Metrics() {
    for (auto& entry : series)
      for (auto& value : entry.second.values) release(entry.second, value);
  }
  static void release(const Series& of, metric_info& value) {
    if (of.kind >= kString) std::free(value.data.bytes);
  }
  void add(const char* name, int kind, metric_info value) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    value.seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    value.nano_seconds = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() % 1000000000;
    std::lock_guard<std::mutex> guard(lock);
    Series& into = series[name];
    into.kind = kind;
    value.sequence_no = into.next++;
    into.values.push_back(value);
    if (into.values.size() > capacity) {
      release(into, into.values.front());
      into.values.pop_front();
    }
  }
  unsigned capacity;
  std::map<std::string, Series> series;
  std::mutex lock;
};

inline Metrics* from(const void* metrics) { return static_cast<Metrics*>(const_cast<void*>(metrics)); }

inline unsigned char* copy(const void* data, unsigned size) {
  auto* bytes = static_cast<unsigned char*>(std::malloc(size ? size : 1));
  std::memcpy(bytes, data, size);
  return bytes;
}
}  // namespace spits

extern "C" {
void* spits_metrics_new(unsigned capacity) { return new spits::Metrics(capacity); }
void spits_metrics_delete(const void* metrics) { delete spits::from(metrics); }

unsigned spits_get_num_buffers(const void* metrics) {
  std::lock_guard<std::mutex> guard(spits::from(metrics)->lock);
  return spits::from(metrics)->series.size();
}

void spits_set_metric_int(const void* metrics, const char* name, int value) {
  metric_info info{};
  info.data.integer = value;
  info.data_size = sizeof value;
  spits::from(metrics)->add(name, spits::kInt, info);
}

void spits_set_metric_float(const void* metrics, const char* name, float value) {
  metric_info info{};
  info.data.real = value;
  info.data_size = sizeof value;
  spits::from(metrics)->add(name, spits::kFloat, info);
}

void spits_set_metric_string(const void* metrics, const char* name, const char* value) {
  metric_info info{};
  info.data_size = std::strlen(value) + 1;
  info.data.bytes = spits::copy(value, info.data_size);
  spits::from(metrics)->add(name, spits::kString, info);
}

void spits_set_metric_bytes(const void* metrics, const char* name, const unsigned char* value, unsigned size) {
  metric_info info{};
  info.data_size = size;
  info.data.bytes = spits::copy(value, size);
  spits::from(metrics)->add(name, spits::kBytes, info);
}

void* spits_get_metrics_list(const void* metrics) {
  spits::Metrics* from = spits::from(metrics);
  std::lock_guard<std::mutex> guard(from->lock);
  auto* list = new buffer_infos{static_cast<unsigned>(from->series.size()), new buffer_info[from->series.size() + 1]};
  unsigned i = 0;
  for (auto& entry : from->series)
    list->infos[i++] = buffer_info{strdup(entry.first.c_str()), entry.second.kind, from->capacity};
  return list;
}

void spits_free_metric_list(const void* list) {
  auto* infos = static_cast<buffer_infos*>(const_cast<void*>(list));
  for (unsigned i = 0; i < infos->quantity; ++i) std::free(infos->infos[i].name);
  delete[] infos->infos;
  delete infos;
}

// The newest sizes[i] values of each name, oldest first; byte values are copies.
void* spits_get_metrics_history(const void* metrics, unsigned count, const char** names, int* sizes) {
  spits::Metrics* from = spits::from(metrics);
  std::lock_guard<std::mutex> guard(from->lock);
  auto* histories = new buffer_metrics[count + 1];
  for (unsigned i = 0; i < count; ++i) {
    const spits::Series& series = from->series[names[i]];
    const size_t wanted = sizes[i] > 0 ? sizes[i] : 0;
    const size_t skip = series.values.size() > wanted ? series.values.size() - wanted : 0;
    const unsigned kept = series.values.size() - skip;
    histories[i] = buffer_metrics{strdup(names[i]), static_cast<unsigned>(series.kind), kept, new metric_info[kept + 1]};
    for (unsigned j = 0; j < kept; ++j) {
      metric_info value = series.values[skip + j];
      if (series.kind >= spits::kString) value.data.bytes = spits::copy(value.data.bytes, value.data_size);
      histories[i].metrics[j] = value;
    }
  }
  return histories;
}

void spits_free_metrics_history(const void* history, unsigned count) {
  auto* histories = static_cast<buffer_metrics*>(const_cast<void*>(history));
  for (unsigned i = 0; i < count; ++i) {
    for (unsigned j = 0; j < histories[i].num_metrics; ++j)
      if (histories[i].type >= spits::kString) std::free(histories[i].metrics[j].data.bytes);
    std::free(histories[i].name);
    delete[] histories[i].metrics;
  }
  delete[] histories;
}
}
