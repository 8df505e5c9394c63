#include "components/router/file_source.h"

#include <utility>

#include "operator/base/file.h"

namespace penstock::router {

FileSource::FileSource(std::filesystem::path file, std::chrono::milliseconds interval)
    : file_(std::move(file)), interval_(interval) {}

Result<void> FileSource::Start(Publish publish) {
  if (auto read = Read(publish); !read) return read.error();
  thread_ = std::jthread([this, publish = std::move(publish)](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(interval_);
      const auto read = Read(publish);
      Say(read ? "" : read.error().message);
    }
  });
  return {};
}

Result<void> FileSource::Read(const Publish& publish) {
  auto text = ReadFile(file_);
  if (!text) return text.error();
  if (*text == text_) return {};
  auto table = ParseRouteTable(*text, file_.string());
  if (!table) return table.error();
  text_ = std::move(*text);
  publish(std::make_shared<const RouteTable>(std::move(*table)));
  return {};
}

void FileSource::Say(const std::string& trouble) {
  std::lock_guard lock(mutex_);
  trouble_ = trouble;
}

std::string FileSource::Trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace penstock::router
