#include <tulle/errors.hpp>

#include "client/core/reconnect.hpp"

namespace tulle {

std::optional<ErrorCode> error_code(std::optional<int> number) {
    if (!number) {
        return std::nullopt;
    }
    // to_string() knows every code of the protocol, so an empty text means an unknown number.
    const auto code = static_cast<ErrorCode>(*number);
    return to_string(code).empty() ? std::nullopt : std::optional(code);
}

ErrorAction action_on(std::optional<int> close_code) {
    // The client itself reacts by the same function, so the answer cannot differ from the behaviour.
    switch (client::reaction_to(close_code)) {
        case client::Reaction::kFatal:
            return ErrorAction::kGiveUp;
        case client::Reaction::kBackoff:
            return ErrorAction::kBackOff;
        case client::Reaction::kAtOnce:
            return ErrorAction::kReconnectNow;
        case client::Reaction::kRetry:
            break;
    }
    return ErrorAction::kReconnect;
}

std::string_view to_string(ErrorCode code) {
    switch (code) {
        case ErrorCode::kTlsOnly:
            return "the app takes connections over TLS only";
        case ErrorCode::kUnknownApp:
            return "no app has this key";
        case ErrorCode::kAppDisabled:
            return "the app is disabled";
        case ErrorCode::kOverQuota:
            return "the app has as many connections as it may";
        case ErrorCode::kPathNotFound:
            return "no such path";
        case ErrorCode::kBadVersion:
            return "bad version of the client";
        case ErrorCode::kProtocolUnsupported:
            return "the protocol's version is not supported";
        case ErrorCode::kProtocolMissing:
            return "no version of the protocol";
        case ErrorCode::kUnauthorized:
            return "not authorized";
        case ErrorCode::kOverCapacity:
            return "over capacity";
        case ErrorCode::kReconnect:
            return "reconnect at once";
        case ErrorCode::kPongTimeout:
            return "no answer to a ping";
        case ErrorCode::kInactive:
            return "inactive for too long";
        case ErrorCode::kClientEventRejected:
            return "client event rejected";
        case ErrorCode::kWatchlistTooLong:
            return "the watchlist has more than 100 users";
    }
    return {};
}

}  // namespace tulle
