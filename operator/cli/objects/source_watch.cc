#include "operator/cli/objects/source_watch.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "operator/base/pause.h"
#include "operator/base/sha256.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLook{300};

void Add(const fs::path& path, Sha256& hash) {
  std::error_code error;
  const auto size = fs::is_regular_file(path, error) ? fs::file_size(path, error) : 0;
  const auto time = fs::last_write_time(path, error);
  hash.Update(path.string() + "\n" + std::to_string(size) + "\n" +
              std::to_string(error ? -1 : time.time_since_epoch().count()) + "\n");
}

}  // namespace

std::vector<fs::path> SourcesOf(const Manifests& manifests, const fs::path& directory) {
  std::vector<fs::path> sources = manifests.files;
  for (const auto& loaded : manifests.pipelines) {
    api::ForEachStep(loaded.value.spec, "", [&](const api::StepSpec& step, const std::string&) {
      if (!step.container || !step.container->code || step.container->code->path.empty()) return;
      sources.push_back(CodeFolder(loaded.file, step.container->code->path, directory));
    });
  }
  return sources;
}

std::string Fingerprint(const std::vector<fs::path>& sources) {
  Sha256 hash;
  for (const fs::path& source : sources) {
    Add(source, hash);
    std::error_code error;
    if (!fs::is_directory(source, error)) continue;
    for (fs::recursive_directory_iterator it(source, error), end; !error && it != end;
         it.increment(error)) {
      Add(it->path(), hash);
    }
  }
  return hash.HexDigest();
}

bool AwaitChange(const std::vector<fs::path>& sources, std::stop_token stop) {
  const std::string first = Fingerprint(sources);
  std::string last = first;
  while (Pause(kLook, stop)) {
    std::string now = Fingerprint(sources);
    if (now != first && now == last) return true;
    last = std::move(now);
  }
  return false;
}

}  // namespace penstock::cli
