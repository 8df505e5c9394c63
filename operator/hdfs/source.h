// An outside source in HDFS, by WebHDFS: webhdfs://host:port/path is a file, webhdfs://host:port/a/
// the folder of all files below it; swebhdfs:// the same under TLS; webhdfs:///path is of the
// NameNode that the step's env names. The variables:
//
//   WEBHDFS_URL               http://namenode:9870 or https://...; of HttpFS too
//   HADOOP_USER_NAME          whose rights count, where the cluster believes it (user.name)
//   WEBHDFS_DELEGATION_TOKEN  a token (hdfs fetchdt); goes to WEBHDFS_URL and nowhere else
//   WEBHDFS_CA_BUNDLE         a file of authorities; HTTPS_PROXY and its like hold
//
// Kerberos itself (SPNEGO) is not spoken. Blocks; any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/fetch/source.h"

namespace penstock::hdfs {

struct HdfsUri {
  bool tls = false;
  std::string authority;  // host[:port]; "": the env's
  std::string key;        // the path without its first "/"; of a folder with a "/" at its end
  bool folder = false;
};

// webhdfs:// and swebhdfs://.
[[nodiscard]] bool IsHdfsUri(const std::string& uri);
// Invalid for a URI without a path, and for one with a query.
[[nodiscard]] Result<HdfsUri> ParseHdfsUri(const std::string& uri);

// The NameNode of a URI, whatever its path. `settings` must outlive it.
[[nodiscard]] Result<std::unique_ptr<fetch::SourceStore>> OpenSource(
    const HdfsUri& uri, const fetch::SourceSettings& settings);

// As fetch/source.h. A file is what it is while its length, its time and its id stay; it is asked
// for these before and after. Invalid where the URI would send the env's token elsewhere.
[[nodiscard]] Result<std::vector<fetch::SourceObject>> FetchSource(
    const HdfsUri& uri, const std::filesystem::path& target, const fetch::SourceSettings& settings);

}  // namespace penstock::hdfs
