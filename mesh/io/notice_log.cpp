#include "mesh/io/notice_log.hpp"

#include <spdlog/spdlog.h>

#include <string_view>

#include "mesh/base/assert.hpp"

namespace tulle::mesh {
namespace {

spdlog::level::level_enum level_of(Severity severity) {
    switch (severity) {
        case Severity::kDebug:
            return spdlog::level::debug;
        case Severity::kInfo:
            return spdlog::level::info;
        case Severity::kWarn:
            return spdlog::level::warn;
        case Severity::kError:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

}  // namespace

void NoticeLog::write(Instant now, const Notice& notice) {
    if (listener_) {
        listener_(notice);
    }
    // A line that the level of the log leaves out is no line.
    if (!spdlog::should_log(level_of(notice.severity))) {
        return;
    }
    TULLE_ASSERT(static_cast<std::size_t>(notice.kind) < spans_.size());
    Span& span = spans_[static_cast<std::size_t>(notice.kind)];
    if (span.begin == Instant::min() || now - span.begin >= kSpan) {
        if (span.left_out > 0) {
            spdlog::warn("{} lines about \"{}\" were left out; /v1/events has the latest", span.left_out,
                         to_text(notice.kind));
        }
        span = {now, 0, 0};
    }
    if (span.lines >= kLinesPerKind) {
        ++span.left_out;
        return;
    }
    ++span.lines;
    spdlog::log(level_of(notice.severity), "{}", notice.text);
}

}  // namespace tulle::mesh
