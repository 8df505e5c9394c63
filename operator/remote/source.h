// An outside source of any store. Blocks; any thread.
#pragma once

#include <filesystem>
#include <string>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/fetch/source.h"
#include "operator/fetch/spans.h"

namespace penstock::remote {

// s3://, gs://, az://, abfss://, webhdfs://, swebhdfs://; and spans of time of file://.
[[nodiscard]] bool IsRemoteUri(const std::string& uri);

// Writes `target` (fetch/source.h, of spans fetch/spans.h) by the variables of s3/source.h,
// azure/account.h or hdfs/source.h. Gives what identifies what was read; empty where nothing does.
[[nodiscard]] Result<std::string> FetchRemote(const std::string& uri,
                                              const std::filesystem::path& target,
                                              const fetch::SourceSettings& settings);
// The bytes of one object to `sink`, each once and in order, whatever broke in between. Invalid for
// the URI of a folder.
[[nodiscard]] Result<void> StreamRemote(const std::string& uri, const fetch::Sink& sink,
                                        const fetch::SourceSettings& settings);
// FetchRemote of spans (protocol/span_uri.h), and which objects they were. A window without an end
// of its own ends at `now`.
[[nodiscard]] Result<fetch::ReadSpans> FetchRemoteSpans(const std::string& uri, TimePoint now,
                                                        const std::filesystem::path& target,
                                                        const fetch::SourceSettings& settings);

}  // namespace penstock::remote
