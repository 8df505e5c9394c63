#include "components/ingest/parts/wishes.h"

#include <cstdlib>

#include "components/sdk/dataset.h"
#include "operator/base/json.h"
#include "operator/base/nearest.h"
#include "operator/base/try.h"

namespace penstock::ingest {

std::map<std::string, sdk::Role> ReadRoles(sdk::Parameters& p) {
  std::map<std::string, sdk::Role> roles;
  const Json given = p.Object("roles");
  for (const auto& [name, value] : given.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (const auto role = sdk::ParseRole(text)) {
      roles[name] = *role;
      continue;
    }
    std::string all;
    for (const auto& known : sdk::RoleNames()) all += (all.empty() ? "" : ", ") + known;
    p.Fail("roles." + name + ": must be one of " + all + DidYouMean(text, sdk::RoleNames()));
  }
  return roles;
}

std::filesystem::path ScratchFor(const std::string& output) {
  const char* temporary = std::getenv("TMPDIR");
  return temporary == nullptr ? std::filesystem::absolute(output).parent_path()
                              : std::filesystem::path(temporary);
}

Result<sdk::Schema> GiveSchema(const std::string& output, const sdk::Step& step) {
  PENSTOCK_ASSIGN(auto schema, sdk::DatasetSchema(output));
  if (step.HasOutput("schema")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("schema"));
    PENSTOCK_TRY(sdk::SaveSchema(path, schema));
  }
  return schema;
}

}  // namespace penstock::ingest
