// The core/v1 types that Penstock's kinds hand on to pods, as far as they are checked here.
// Affinity, topology spread and volumes are checked by the API server when the pod is made.
#pragma once

#include "operator/api/limits.h"

namespace penstock::api::core {

inline constexpr Shape kBool{Shape::kBoolean};
inline constexpr Shape kName{Shape::kString, 253};
inline constexpr Shape kShort{Shape::kString, 317};
inline constexpr Shape kPath{Shape::kString, 1024};
inline constexpr Shape kLong{Shape::kString, 65536};
inline constexpr Shape kSeconds{Shape::kInteger};
inline constexpr Shape kOneQuantity{Shape::kQuantityValue, 64};

inline constexpr Shape kQuantities{Shape::kMap, 50, {}, &kOneQuantity};
inline constexpr ShapeField kResourceFields[] = {{"limits", &kQuantities},
                                                 {"requests", &kQuantities}};
inline constexpr Shape kResources{Shape::kObject, 0, kResourceFields};

// Of a container of a step: and devices of pod.resourceClaims.
inline constexpr ShapeField kDeviceFields[] = {{"name", &kName, true}, {"request", &kName}};
inline constexpr Shape kDevice{Shape::kObject, 0, kDeviceFields};
inline constexpr Shape kDevices{Shape::kList, 50, {}, &kDevice};
inline constexpr ShapeField kContainerResourceFields[] = {
    {"claims", &kDevices}, {"limits", &kQuantities}, {"requests", &kQuantities}};
inline constexpr Shape kContainerResources{Shape::kObject, 0, kContainerResourceFields};

// Of a step: quantities may be references.
inline constexpr Shape kOneTemplateQuantity{Shape::kTemplateQuantity, 256};
inline constexpr Shape kTemplateQuantities{Shape::kMap, 50, {}, &kOneTemplateQuantity};
inline constexpr ShapeField kStepResourceFields[] = {
    {"claims", &kDevices}, {"limits", &kTemplateQuantities}, {"requests", &kTemplateQuantities}};
inline constexpr Shape kStepResources{Shape::kObject, 0, kStepResourceFields};

inline constexpr ShapeField kKeyRefFields[] = {
    {"key", &kName, true}, {"name", &kName, true}, {"optional", &kBool}};
inline constexpr Shape kKeyRef{Shape::kObject, 0, kKeyRefFields};
inline constexpr ShapeField kFieldRefFields[] = {{"apiVersion", &kName},
                                                 {"fieldPath", &kPath, true}};
inline constexpr Shape kFieldRef{Shape::kObject, 0, kFieldRefFields};
inline constexpr ShapeField kResourceFieldRefFields[] = {
    {"containerName", &kName}, {"divisor", &kOneQuantity}, {"resource", &kName, true}};
inline constexpr Shape kResourceFieldRef{Shape::kObject, 0, kResourceFieldRefFields};
inline constexpr ShapeField kValueFromFields[] = {{"configMapKeyRef", &kKeyRef},
                                                  {"fieldRef", &kFieldRef},
                                                  {"resourceFieldRef", &kResourceFieldRef},
                                                  {"secretKeyRef", &kKeyRef}};
inline constexpr Shape kValueFrom{Shape::kObject, 0, kValueFromFields};
inline constexpr ShapeField kEnvVarFields[] = {
    {"name", &kShort, true}, {"value", &kLong}, {"valueFrom", &kValueFrom}};
inline constexpr Shape kEnvVar{Shape::kObject, 0, kEnvVarFields};
inline constexpr ShapeField kPlainEnvVarFields[] = {{"name", &kShort, true}, {"value", &kLong}};
inline constexpr Shape kPlainEnvVar{Shape::kObject, 0, kPlainEnvVarFields};

inline constexpr ShapeField kSourceRefFields[] = {{"name", &kName, true}, {"optional", &kBool}};
inline constexpr Shape kSourceRef{Shape::kObject, 0, kSourceRefFields};
inline constexpr ShapeField kEnvFromFields[] = {
    {"configMapRef", &kSourceRef}, {"prefix", &kShort}, {"secretRef", &kSourceRef}};
inline constexpr Shape kEnvFrom{Shape::kObject, 0, kEnvFromFields};

inline constexpr ShapeField kVolumeMountFields[] = {
    {"mountPath", &kPath, true}, {"mountPropagation", &kName},  {"name", &kName, true},
    {"readOnly", &kBool},        {"recursiveReadOnly", &kName}, {"subPath", &kPath},
    {"subPathExpr", &kPath}};
inline constexpr Shape kVolumeMount{Shape::kObject, 0, kVolumeMountFields};

inline constexpr ShapeField kVolumeFields[] = {{"name", &kName, true}};
inline constexpr Shape kVolume{Shape::kOpenObject, 0, kVolumeFields};
inline constexpr Shape kAffinity{Shape::kOpenObject};
inline constexpr ShapeField kTopologySpreadFields[] = {{"topologyKey", &kName, true}};
inline constexpr Shape kTopologySpread{Shape::kOpenObject, 0, kTopologySpreadFields};

inline constexpr ShapeField kLocalRefFields[] = {{"name", &kName, true}};
inline constexpr Shape kLocalRef{Shape::kObject, 0, kLocalRefFields};

inline constexpr ShapeField kTolerationFields[] = {{"effect", &kName},
                                                   {"key", &kShort},
                                                   {"operator", &kName},
                                                   {"tolerationSeconds", &kSeconds},
                                                   {"value", &kName}};
inline constexpr Shape kToleration{Shape::kObject, 0, kTolerationFields};

// What a step may say of its pod beyond its programs, its volumes and its node: `pod`.
inline constexpr Shape kLabelValue{Shape::kString, 256};  // 63 once references are put in
inline constexpr Shape kPodLabels{Shape::kMap, 50, {}, &kLabelValue};
inline constexpr Shape kAnnotations{Shape::kMap, 50, {}, &kLong};
inline constexpr Shape kId{Shape::kInteger, 2147483647};
inline constexpr Shape kGroups{Shape::kList, 50, {}, &kId};
inline constexpr ShapeField kPodSecurityFields[] = {
    {"fsGroup", &kId}, {"runAsGroup", &kId}, {"runAsUser", &kId}, {"supplementalGroups", &kGroups}};
inline constexpr Shape kPodSecurity{Shape::kObject, 0, kPodSecurityFields};
inline constexpr Shape kNames{Shape::kList, 50, {}, &kName};
inline constexpr ShapeField kHostAliasFields[] = {{"hostnames", &kNames, true},
                                                  {"ip", &kName, true}};
inline constexpr Shape kHostAlias{Shape::kObject, 0, kHostAliasFields};
inline constexpr Shape kHostAliases{Shape::kList, 50, {}, &kHostAlias};
inline constexpr ShapeField kDnsOptionFields[] = {{"name", &kName, true}, {"value", &kName}};
inline constexpr Shape kDnsOption{Shape::kObject, 0, kDnsOptionFields};
inline constexpr Shape kDnsOptions{Shape::kList, 50, {}, &kDnsOption};
inline constexpr ShapeField kDnsConfigFields[] = {
    {"nameservers", &kNames}, {"options", &kDnsOptions}, {"searches", &kNames}};
inline constexpr Shape kDnsConfig{Shape::kObject, 0, kDnsConfigFields};
inline constexpr ShapeField kDeviceClaimFields[] = {
    {"name", &kName, true}, {"resourceClaimName", &kName}, {"resourceClaimTemplateName", &kName}};
inline constexpr Shape kDeviceClaim{Shape::kObject, 0, kDeviceClaimFields};
inline constexpr Shape kDeviceClaims{Shape::kList, 20, {}, &kDeviceClaim};
inline constexpr ShapeField kPodFields[] = {
    {"annotations", &kAnnotations}, {"dnsConfig", &kDnsConfig},
    {"dnsPolicy", &kName},          {"hostAliases", &kHostAliases},
    {"labels", &kPodLabels},        {"resourceClaims", &kDeviceClaims},
    {"resources", &kResources},     {"securityContext", &kPodSecurity}};
inline constexpr Shape kPod{Shape::kObject, 0, kPodFields};

// When a sidecar is ready for the step.
inline constexpr Shape kPort{Shape::kInteger, 65535};
inline constexpr Shape kWord{Shape::kString, 65536};
inline constexpr Shape kWords{Shape::kList, 100, {}, &kWord};
inline constexpr ShapeField kHttpProbeFields[] = {{"path", &kPath}, {"port", &kPort, true}};
inline constexpr Shape kHttpProbe{Shape::kObject, 0, kHttpProbeFields};
inline constexpr ShapeField kReadinessFields[] = {
    {"exec", &kWords}, {"http", &kHttpProbe}, {"tcp", &kPort}};
inline constexpr Shape kReadiness{Shape::kObject, 0, kReadinessFields};

// Where a Pipeline's parameter comes from when a run does not give it.
inline constexpr ShapeField kConfigKeyFields[] = {{"key", &kName, true}, {"name", &kName, true}};
inline constexpr Shape kConfigKey{Shape::kObject, 0, kConfigKeyFields};
inline constexpr ShapeField kParameterSourceFields[] = {{"configMapKeyRef", &kConfigKey, true}};
inline constexpr Shape kParameterSource{Shape::kObject, 0, kParameterSourceFields};

inline constexpr Shape kExitCode{Shape::kInteger, 255};

inline constexpr Shape kAnyValue{Shape::kAny};
inline constexpr Shape kAnyObject{Shape::kOpenObject};

}  // namespace penstock::api::core
