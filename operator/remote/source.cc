#include "operator/remote/source.h"

#include <memory>

#include "operator/azure/source.h"
#include "operator/base/try.h"
#include "operator/fetch/folder.h"
#include "operator/hdfs/source.h"
#include "operator/protocol/file_uri.h"
#include "operator/protocol/span_uri.h"
#include "operator/s3/source.h"

namespace penstock::remote {
namespace {

// Where a URI leads: which store, and what of it.
struct Opened {
  std::unique_ptr<fetch::SourceStore> store;
  std::string key;
  bool folder = false;
};

Result<Opened> Open(const std::string& uri, const fetch::SourceSettings& settings) {
  if (azure::IsAzureUri(uri)) {
    PENSTOCK_ASSIGN(const auto parsed, azure::ParseAzureUri(uri));
    PENSTOCK_ASSIGN(auto store, azure::OpenSource(parsed, settings));
    return Opened{std::move(store), parsed.key, parsed.folder};
  }
  if (hdfs::IsHdfsUri(uri)) {
    PENSTOCK_ASSIGN(const auto parsed, hdfs::ParseHdfsUri(uri));
    PENSTOCK_ASSIGN(auto store, hdfs::OpenSource(parsed, settings));
    return Opened{std::move(store), parsed.key, parsed.folder};
  }
  PENSTOCK_ASSIGN(const auto parsed, s3::ParseS3Uri(uri));
  PENSTOCK_ASSIGN(auto store, s3::OpenSource(parsed, settings));
  return Opened{std::move(store), parsed.key, parsed.folder};
}

}  // namespace

bool IsRemoteUri(const std::string& uri) {
  if (IsFileUri(uri)) return IsSpanUri(uri);
  return s3::IsS3Uri(uri) || azure::IsAzureUri(uri) || hdfs::IsHdfsUri(uri);
}

Result<std::string> FetchRemote(const std::string& uri, const std::filesystem::path& target,
                                const fetch::SourceSettings& settings) {
  if (IsSpanUri(uri)) {
    PENSTOCK_ASSIGN(const auto read, FetchRemoteSpans(uri, SystemClock().Now(), target, settings));
    return read.fingerprint;
  }
  PENSTOCK_ASSIGN(const auto opened, Open(uri, settings));
  PENSTOCK_ASSIGN(const auto objects,
                  fetch::ReadSource(*opened.store, opened.key, opened.folder, target, settings));
  return fetch::FingerprintOf(opened.folder, objects);
}

Result<void> StreamRemote(const std::string& uri, const fetch::Sink& sink,
                          const fetch::SourceSettings& settings) {
  PENSTOCK_ASSIGN(const auto opened, Open(uri, settings));
  if (opened.folder) return Invalid("names a folder, not an object");
  PENSTOCK_TRY(fetch::StreamSource(*opened.store, opened.key, sink, settings));
  return {};
}

Result<fetch::ReadSpans> FetchRemoteSpans(const std::string& uri, TimePoint now,
                                          const std::filesystem::path& target,
                                          const fetch::SourceSettings& settings) {
  PENSTOCK_ASSIGN(const auto spans, ParseSpanUri(uri));
  if (IsFileUri(spans.place)) {
    const auto folder = fetch::OpenFolder(CommonFolder(spans));
    return fetch::FetchSpans(*folder, spans, now, target, settings);
  }
  // A store of folders refuses those within where they are not wanted; here they are.
  fetch::SourceSettings of_store = settings;
  of_store.flat = false;
  PENSTOCK_ASSIGN(const auto opened, Open(spans.place, of_store));
  return fetch::FetchSpans(*opened.store, spans, now, target, settings);
}

}  // namespace penstock::remote
