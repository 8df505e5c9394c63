#include "operator/artifacts/leftovers.h"

#include <functional>
#include <optional>
#include <system_error>

#include "operator/artifacts/tree.h"
#include "operator/base/file.h"

namespace penstock::artifacts {
namespace fs = std::filesystem;
namespace {

class Cleaning {
 public:
  explicit Cleaning(std::chrono::seconds age) : before_(fs::file_time_type::clock::now() - age) {}

  void CleanNamespace(const fs::path& ns) {
    Each(ns / "tmp", [this](const fs::path& file) { RemoveOld(file); });
    // Two levels deep: by run, by the key's beginning, by deployment.
    for (const char* name : {"receipts", "metrics", "logs", "cache", "predictions"}) {
      Each(ns / name, [this](const fs::path& folder) {
        Each(folder, [this](const fs::path& file) {
          if (IsTemporary(file.filename().string())) RemoveOld(file);
        });
      });
    }
  }

  // A folder that is not there is empty.
  void Each(const fs::path& folder, const std::function<void(const fs::path&)>& visit) {
    std::error_code ec;
    for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
      visit(it->path());
    if (ec && ec != std::errc::no_such_file_or_directory && ec != std::errc::not_a_directory)
      Note(FromErrno("reading folder " + folder.string(), ec.value()));
  }

  [[nodiscard]] Result<int> Done() const {
    if (failed_) return *failed_;
    return removed_;
  }

 private:
  void RemoveOld(const fs::path& path) {
    std::error_code ec;
    const auto written = fs::last_write_time(path, ec);
    if (ec == std::errc::no_such_file_or_directory) return;  // its writer has finished meanwhile
    if (ec) return Note(FromErrno("looking at " + path.string(), ec.value()));
    if (written > before_) return;
    if (auto done = RemoveTree(path); !done) return Note(done.error());
    ++removed_;
  }
  void Note(const Error& error) {
    if (!failed_) failed_ = error;
  }

  const fs::file_time_type before_;
  int removed_ = 0;
  std::optional<Error> failed_;
};

}  // namespace

Result<int> RemoveLeftoversUnder(const fs::path& root, std::chrono::seconds age) {
  Cleaning cleaning(age);
  cleaning.Each(root, [&](const fs::path& ns) { cleaning.CleanNamespace(ns); });
  return cleaning.Done();
}

}  // namespace penstock::artifacts
