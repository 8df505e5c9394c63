#include "operator/gateway/api/page_files.h"

#include <algorithm>

#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/api/api_request.h"

namespace penstock::gateway {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMostBytes = 32 << 20;
constexpr const char* kIndex = "index.html";
constexpr const char* kUnknownMedia = "application/octet-stream";

std::string PageMedia(const std::string& name) {
  static const std::map<std::string, std::string> kMedia{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
      {".map", "application/json"},
      {".webmanifest", "application/manifest+json"}};
  const auto known = kMedia.find(fs::path(name).extension().string());
  return known == kMedia.end() ? kUnknownMedia : known->second;
}

}  // namespace

Result<PageFiles> PageFiles::Load(const fs::path& folder) {
  PageFiles page;
  std::uint64_t total = 0;
  std::error_code ec;
  for (fs::recursive_directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    if (!it->is_regular_file(ec) || ec) continue;
    PENSTOCK_ASSIGN(std::string bytes, ReadFile(it->path(), kMostBytes));
    total += bytes.size();
    if (total > kMostBytes)
      return Invalid("the page's folder " + folder.string() + " holds over 32 MiB: it is another");
    const std::string name = it->path().lexically_relative(folder).generic_string();
    if (name.ends_with(".gz")) {
      page.files_[name.substr(0, name.size() - 3)].packed = std::move(bytes);
      continue;
    }
    File& file = page.files_[name];
    file.media = PageMedia(name);
    file.tag = "\"" + Sha256Hex(bytes).substr(0, 32) + "\"";
    file.bytes = std::move(bytes);
  }
  if (ec && ec != std::errc::no_such_file_or_directory)
    return FromErrno("reading the page's folder " + folder.string(), ec.value());
  std::erase_if(page.files_, [](const auto& f) { return f.second.tag.empty(); });  // a .gz alone
  if (!page.files_.contains(kIndex))
    return NotFound("the page is not installed: " + folder.string() + " has no " + kIndex);
  return page;
}

void PageFiles::Give(Exchange& x, const std::string& name, const File& file) const {
  Headers headers{{"Content-Security-Policy", kPagePolicy},
                  {"X-Content-Type-Options", "nosniff"},
                  {"Referrer-Policy", "no-referrer"},
                  {"Vary", "Accept-Encoding"},
                  {"ETag", file.tag}};
  headers.emplace_back("Cache-Control", name == kIndex ? "no-store"
                                        : name.starts_with("assets/")
                                            ? "public, max-age=31536000, immutable"
                                            : "no-cache");
  if (name != kIndex && x.Header("If-None-Match").find(file.tag) != std::string::npos)
    return x.Respond(304, "", "", headers);
  const bool packed =
      !file.packed.empty() && x.Header("Accept-Encoding").find("gzip") != std::string::npos;
  if (packed) headers.emplace_back("Content-Encoding", "gzip");
  x.Respond(200, file.media, packed ? file.packed : file.bytes, headers);
}

void PageFiles::Serve(Exchange& x) const {
  const std::string name = x.path().substr(std::min<std::size_t>(1, x.path().size()));
  const auto found = files_.find(name.empty() ? kIndex : name);
  if (found != files_.end()) return Give(x, found->first, found->second);
  // What looks like a file is one that is not there, and so is what launchers ask for; all else is
  // a view of the page, also where the name of a run has a dot.
  if (name.starts_with("assets/") || name.starts_with("artifacts/v1/") ||
      PageMedia(name) != kUnknownMedia)
    return RespondApiError(x, NotFound("nothing is at " + plan::Shown(x.path(), 200)));
  Give(x, kIndex, files_.at(kIndex));
}

void AddPage(Router& router, const PageFiles& page) {
  router.Add("GET", "/{rest...}", [&page](Exchange& x, const PathParameters&) { page.Serve(x); });
}

}  // namespace penstock::gateway
