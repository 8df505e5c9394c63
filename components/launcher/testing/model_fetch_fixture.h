// Drives the real launcher as the init container of a model's server. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "components/launcher/testing/launcher_fixture.h"
#include "operator/base/sha256.h"

namespace penstock::launcher {

class ModelFetchTest : public LauncherTest {
 protected:
  static std::string DigestOf(const std::string& bytes) { return "sha256:" + Sha256Hex(bytes); }

  // The exit code; what it said stands in `said_`.
  int Fetch(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {PENSTOCK_LAUNCHER, "fetch"});
    for (const std::string& word : {std::string("--to"), (dir_ / "model/content").string()})
      flags.push_back(word);
    std::filesystem::create_directories(dir_ / "model");
    Process process(flags, env_, dir_ / "said");
    const int code = process.Wait();
    said_ = Read(dir_ / "said");
    return code;
  }
  [[nodiscard]] std::string Model(const std::string& path) const {
    return Read(dir_ / "model/content" / path);
  }
  // A tar archive under gzip of a folder with model.yaml.
  std::string Archive() {
    std::filesystem::create_directories(dir_ / "from");
    std::ofstream(dir_ / "from/model.yaml") << "name: m";
    const std::string command = "tar -C " + (dir_ / "from").string() + " -czf " +
                                (dir_ / "from.tgz").string() + " model.yaml";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return Read(dir_ / "from.tgz");
  }

  std::string said_;
};

}  // namespace penstock::launcher
