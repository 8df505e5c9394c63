#include "operator/remote/source.h"

#include "operator/azure/source.h"
#include "operator/base/try.h"
#include "operator/hdfs/source.h"
#include "operator/s3/source.h"

namespace penstock::remote {

bool IsRemoteUri(const std::string& uri) {
  return s3::IsS3Uri(uri) || azure::IsAzureUri(uri) || hdfs::IsHdfsUri(uri);
}

Result<std::string> FetchRemote(const std::string& uri, const std::filesystem::path& target,
                                const fetch::SourceSettings& settings) {
  if (azure::IsAzureUri(uri)) {
    PENSTOCK_ASSIGN(const auto parsed, azure::ParseAzureUri(uri));
    PENSTOCK_ASSIGN(const auto objects, azure::FetchSource(parsed, target, settings));
    return fetch::FingerprintOf(parsed.folder, objects);
  }
  if (hdfs::IsHdfsUri(uri)) {
    PENSTOCK_ASSIGN(const auto parsed, hdfs::ParseHdfsUri(uri));
    PENSTOCK_ASSIGN(const auto objects, hdfs::FetchSource(parsed, target, settings));
    return fetch::FingerprintOf(parsed.folder, objects);
  }
  PENSTOCK_ASSIGN(const auto parsed, s3::ParseS3Uri(uri));
  PENSTOCK_ASSIGN(const auto objects, s3::FetchSource(parsed, target, settings));
  return fetch::FingerprintOf(parsed.folder, objects);
}

}  // namespace penstock::remote
