// A process runner over a cluster in memory whose launcher is a script, for its tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/local/memory_cluster.h"
#include "operator/local/process_runner.h"

namespace penstock::local {

namespace fs = std::filesystem;

// A launcher of shell: it runs the task document itself as a script, with the termination log's
// path in $2's place.
inline constexpr const char* kLauncher = R"(#!/bin/sh
# run --task FILE --termination-log FILE
. "$3"
)";

// A pod of several containers, each a script of its own.
inline Json InTurn(const std::string& name, const std::vector<std::string>& scripts) {
  Json pod{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", {{"name", name}}}};
  for (std::size_t i = 0; i < scripts.size(); ++i)
    pod["spec"]["containers"].push_back({{"name", "step-c" + std::to_string(i)},
                                         {"image", "registry.example.com/penstock/components:1"},
                                         {"command",
                                          {"/bin/sh", "-c", scripts[i] + "; exit ${code:-0}",
                                           "--termination-log=/dev/termination-log"}}});
  return pod;
}

class ProcessRunnerTest : public testing::Test {
 protected:
  ProcessRunnerTest() {
    fs::create_directories(state_);
    std::ofstream(state_ / "penstock-launcher") << kLauncher;
    fs::permissions(state_ / "penstock-launcher", fs::perms::owner_all);
    runner_.emplace(cluster_, clock_, Options());
    cluster_.SetLogSource(
        [this](const std::string& ns, const std::string& pod, const kube::LogOptions& options,
               const kube::LogSink& sink,
               std::stop_token stop) { return runner_->Logs(ns, pod, options, sink, stop); });
    runner_->Start();
  }
  ~ProcessRunnerTest() override {
    runner_->Stop(std::chrono::seconds(0));
    RemoveFolder(state_);
  }

  RunnerOptions Options() {
    return {.launch = {state_, state_ / "penstock-launcher", {}, host_},
            .isolation = Isolation::kProcess,
            .podman = "",
            .capacity = {1000, 1 << 30, {}},
            .notice =
                [this](const std::string& line) {
                  const std::scoped_lock lock(mutex_);
                  notices_.push_back(line);
                },
            .never_fits =
                [this](const std::string& pod) {
                  const std::scoped_lock lock(mutex_);
                  never_fit_.insert(pod);
                }};
  }

  // A pod whose "task" is a shell script.
  Json Create(const std::string& name, const std::string& script, const std::string& cpu = "1",
              const std::string& image = "registry.example.com/penstock/components:1",
              bool with_volume = false) {
    Json pod = Json::parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{},"spec":{
      "containers":[{"name":"step","command":["/bin/penstock-launcher","run","--task","/penstock/task/t",
        "--termination-log","/dev/termination-log"],
        "volumeMounts":[{"name":"task","mountPath":"/penstock/task"}]}],
      "volumes":[{"name":"task","downwardAPI":{"items":[{"path":"t",
        "fieldRef":{"fieldPath":"metadata.annotations['penstock.dev/task']"}}]}}]}})");
    pod["metadata"]["name"] = name;
    pod["metadata"]["annotations"]["penstock.dev/task"] = script;
    if (with_volume) {
      pod["spec"]["volumes"].push_back(Json::parse(R"({"name":"d","emptyDir":{}})"));
      pod["spec"]["containers"][0]["volumeMounts"].push_back(
          Json::parse(R"({"name":"d","mountPath":"/no-such-data","readOnly":true})"));
    }
    pod["spec"]["containers"][0]["image"] = image;
    pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] = cpu;
    return *cluster_.Create(kube::kPods, "default", pod);
  }

  // Watches until the pod is as wanted (or gone, when `wanted` takes null).
  Json Await(const std::string& name, const std::function<bool(const Json&)>& wanted) {
    while (true) {
      const Result<kube::ListPage> page = cluster_.List(kube::kPods, "default", {});
      Json now;
      for (const Json& pod : page->items) {
        if (pod["metadata"]["name"] == name) now = pod;
      }
      if (wanted(now)) return now;
      kube::WatchOptions options;
      options.resource_version = page->resource_version;
      EXPECT_TRUE(cluster_.Watch(kube::kPods, "default", options,
                                 [](kube::WatchEvent&) { return false; }, {}));
    }
  }
  Json AwaitPhase(const std::string& name, const std::string& phase) {
    return Await(name, [&](const Json& pod) {
      return !pod.is_null() && pod["status"].value("phase", "") == phase;
    });
  }
  void AwaitFile(const std::string& name) {  // until the script has written it; ctest ends us
    while (!fs::exists(state_ / name)) std::this_thread::yield();
  }
  void AwaitText(const fs::path& file, const std::string& words) {
    for (Result<std::string> text = ReadFile(file); !text || text->find(words) == std::string::npos;
         text = ReadFile(file))
      std::this_thread::yield();
  }
  static kube::LogOptions Tail(int lines) {
    kube::LogOptions options;
    options.tail_lines = lines;
    return options;
  }
  std::string Log(const std::string& pod, const kube::LogOptions& options = {}) {
    std::string text;
    const Result<void> read = cluster_.Logs("default", pod, options,
                                            [&](std::string_view piece) {
                                              text += piece;
                                              return true;
                                            },
                                            {});
    return read ? text : "error: " + read.error().message;
  }

  const fs::path state_ = fs::path(testing::TempDir()) / ("runner-" + std::to_string(getpid()));
  const std::map<std::string, std::string> host_{{"PATH", "/usr/bin:/bin"},
                                                 {"TMPDIR", state_.string()}};
  SystemClock clock_;
  MemoryCluster cluster_{clock_};
  std::mutex mutex_;
  std::vector<std::string> notices_;
  std::set<std::string> never_fit_;  // told once or more
  std::optional<ProcessRunner> runner_;
};

}  // namespace penstock::local
