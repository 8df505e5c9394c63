// What a search asks of logged models, registered models and versions (search_text.h). Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/gateway/mlflow/search_text.h"
#include "operator/metadata/logged_models.h"
#include "operator/metadata/model_registry.h"

namespace penstock::gateway {

[[nodiscard]] const SearchedBy& ByOfLoggedModels();
[[nodiscard]] const SearchedBy& ByOfRegistered();
[[nodiscard]] const SearchedBy& ByOfVersions();

[[nodiscard]] bool Matches(const Comparisons& filter, const metadata::LoggedModel& model);
[[nodiscard]] bool Matches(const Comparisons& filter, const metadata::RegisteredModel& model);
[[nodiscard]] bool Matches(const Comparisons& filter, const metadata::ModelVersion& version);

// By these, then as they stand.
void Sort(std::vector<metadata::LoggedModel>& models, const std::vector<Order>& orders);

// The one name that a filter asks for by "name = '...'"; "": it asks for none.
[[nodiscard]] std::string OnlyName(const Comparisons& filter);

}  // namespace penstock::gateway
