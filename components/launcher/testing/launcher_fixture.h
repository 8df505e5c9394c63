// Drives the real launcher program in a folder of its own. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "operator/artifacts/store.h"
#include "operator/base/json.h"
#include "operator/os/child_process.h"
#include "operator/protocol/task.h"

namespace penstock::launcher {

// A launcher that has been started.
class Process {
 public:
  Process(const std::vector<std::string>& argv, const std::vector<std::string>& env,
          const std::filesystem::path& output);
  void Signal(int signal) const;
  // The exit code, 128 + n for a signal. Kills it after a minute.
  int Wait();

 private:
  std::optional<ChildProcess> child_;  // none: it could not be started
};

// Waits, by inotify and without sleeping, until a file of this name is in the folder.
[[nodiscard]] bool AwaitFile(const std::filesystem::path& file, std::chrono::seconds patience);

[[nodiscard]] inline bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class LauncherTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // A task that runs sh -c `script`.
  [[nodiscard]] TaskDocument Script(const std::string& script) const;
  void WriteTask(const TaskDocument& task) const;
  [[nodiscard]] std::vector<std::string> RunArgs() const;
  // Runs to the end.
  TerminationMessage Run(const TaskDocument& task);
  [[nodiscard]] TerminationMessage Message() const;
  [[nodiscard]] std::string Read(const std::filesystem::path& path) const;
  [[nodiscard]] std::filesystem::path Work(const std::string& path) const {
    return dir_ / "work" / path;
  }

  std::filesystem::path dir_;
  artifacts::Store store_{""};
  std::vector<std::string> env_{"PATH=/usr/bin:/bin", "POD_VARIABLE=from pod"};
  int exit_code_ = -1;
};

}  // namespace penstock::launcher
