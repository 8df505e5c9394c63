// The schema of a dataset: what its columns are and what they are for. Value types; pure but for
// Load and Save.
//
//   version: 1
//   columns:
//   - {name: "carrier", type: string, nullable: false, role: feature, domain: ["AA", "UA"]}
//   - {name: "distance", type: int64, nullable: true, role: feature, unit: "mile"}
//   - {name: "late", type: bool, nullable: false, role: label}
//
// and what `validate` holds the data to: constraints.h.
//
// ingest writes it, a person may, and every dataset has one beside its parts (_schema.yaml), so
// that a reference to the dataset brings it along. A model's signature is a part of it.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "components/sdk/constraints/constraints.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::sdk {

struct ModelManifest;

inline constexpr int kSchemaVersion = 1;
inline constexpr const char* kSchemaYaml = "_schema.yaml";

// What a column is for. Only a feature is one without being named.
enum class Role : std::uint8_t {
  kFeature,
  kLabel,      // what is to be learnt
  kId,         // tells rows apart
  kWeight,     // how much a row counts
  kGroup,      // rows of one group stay together in a split
  kTime,       // when the row was: what a split by time cuts
  kProtected,  // watched in slices, never learnt from unasked
  kIgnored
};
[[nodiscard]] const char* Name(Role role);  // "feature", "label", ...
[[nodiscard]] std::optional<Role> ParseRole(std::string_view name);
[[nodiscard]] const std::vector<std::string>& RoleNames();

struct SchemaColumn {
  std::string name;
  std::string type = "string";  // as TypeText (arrow_types.h) writes it
  bool nullable = true;
  std::string unit = {};  // "mile", "us"; empty: not said
  Role role = Role::kFeature;
  Json domain =
      nullptr;  // null: any value; a list of values; or {"minimum": n, "maximum": n}, either alone
  Constraints constraints = {};
  bool operator==(const SchemaColumn&) const = default;
};

struct Schema {
  std::vector<SchemaColumn> columns;
  std::vector<std::string> environments = {};  // that its columns may name
  RowConstraints rows = {};

  // Null when there is none.
  [[nodiscard]] const SchemaColumn* Find(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> Names() const;
  [[nodiscard]] std::vector<std::string> Of(Role role) const;
  bool operator==(const Schema&) const = default;
};

// The one column of a role. NotFound without any, Invalid when there are several (names them).
[[nodiscard]] Result<std::string> TheColumnOf(const Schema& schema, Role role);

// Of stored types, each a nullable feature.
[[nodiscard]] Schema SchemaOf(const arrow::Schema& schema);
[[nodiscard]] std::shared_ptr<arrow::Schema> ArrowSchemaOf(const Schema& schema);
// The inputs of a model; bounds become domains.
[[nodiscard]] Schema SchemaOf(const ModelManifest& manifest);

// What a schema says beyond types goes on with a column of the same name and type.
enum class Carry : std::uint8_t {
  kRole,     // the values may be others: unit, domain and nullable are not theirs
  kMeaning,  // role, unit, domain and what else is asked of each value; nullable is as seen
  kAll       // the rows are some of the same rows: all but what is asked of their number
};
void CarryOver(const Schema& from, Carry what, Schema& to);

// Canonical: sorted keys, nothing that has its default but type, nullable and role.
[[nodiscard]] Json ToJson(const Schema& schema);
// "sha256:..." of the canonical JSON.
[[nodiscard]] std::string SchemaDigest(const Schema& schema);

// YAML as above. Parse refuses, with the line, an unknown version or key, a name that is empty, not
// UTF-8 or there twice, an unknown type or role, a domain that the type cannot have.
[[nodiscard]] std::string FormatSchema(const Schema& schema);
[[nodiscard]] Result<Schema> ParseSchema(const std::string& yaml, const std::string& what);

// `path`: a schema's file, a dataset's folder or a model's folder. NotFound where a folder has
// none.
[[nodiscard]] Result<Schema> LoadSchema(const std::string& path);
[[nodiscard]] Result<void> SaveSchema(const std::string& path, const Schema& schema);

}  // namespace penstock::sdk
