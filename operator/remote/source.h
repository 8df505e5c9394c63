// An outside source of any store. Blocks; any thread.
#pragma once

#include <filesystem>
#include <string>

#include "operator/base/result.h"
#include "operator/fetch/source.h"

namespace penstock::remote {

// s3://, gs://, az://, abfss://, webhdfs://, swebhdfs://.
[[nodiscard]] bool IsRemoteUri(const std::string& uri);

// Writes `target` (fetch/source.h) by the variables of s3/source.h, azure/account.h or
// hdfs/source.h. Gives what identifies what was read; empty where nothing does.
[[nodiscard]] Result<std::string> FetchRemote(const std::string& uri,
                                              const std::filesystem::path& target,
                                              const fetch::SourceSettings& settings);

}  // namespace penstock::remote
