// The page (ui/dist) as it is served from "/": read once, kept in memory, compressed where the
// folder holds <file>.gz beside a file. Read by many threads.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "operator/base/result.h"
#include "operator/gateway/router.h"

namespace penstock::gateway {

inline constexpr const char* kPagePolicy =
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

class PageFiles {
 public:
  // kNotFound where the folder has no index.html; Invalid where it holds over 32 MiB.
  [[nodiscard]] static Result<PageFiles> Load(const std::filesystem::path& folder);

  // A file of the folder, or index.html for a path that is none: the page's own addresses. What is
  // in assets/ has a name of its content and is kept for ever; all else is asked for anew.
  void Serve(Exchange& x) const;

 private:
  struct File {
    std::string bytes, packed, media, tag;
  };
  void Give(Exchange& x, const std::string& name, const File& file) const;
  std::map<std::string, File> files_;  // by path below the folder
};

// Serves the page for every GET that no route before it takes.
void AddPage(Router& router, const PageFiles& page);

}  // namespace penstock::gateway
