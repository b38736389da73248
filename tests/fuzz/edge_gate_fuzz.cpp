// What decides about a request before the HTTP parser sees it. A head that comes byte by byte must be judged like one
// that comes whole, and what a strict proxy would read otherwise must not pass.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "mesh/base/assert.hpp"
#include "node/pusher/wire/connect.hpp"
#include "node/web/core/deflate_offer.hpp"
#include "node/web/core/gate.hpp"
#include "node/web/core/limits.hpp"
#include "node/web/core/page_guard.hpp"

namespace {

namespace http = tulle::node::http;

void check_passed(std::string_view head, const http::Head& passed) {
    TULLE_ASSERT(passed.host.empty() == passed.target.empty());
    TULLE_ASSERT(passed.target.empty() || passed.target == "*" || passed.target.starts_with('/'));
    TULLE_ASSERT(passed.host.find_first_of("@/?#\\ ") == std::string::npos);
    TULLE_ASSERT(head.find('\0') == std::string_view::npos);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    TULLE_ASSERT(std::count(line.begin(), line.end(), ' ') == 2);
    TULLE_ASSERT(line.substr(0, line.size() - 1).ends_with(" HTTP/1."));
    TULLE_ASSERT(head.find("\n ") == std::string_view::npos && head.find("\n\t") == std::string_view::npos);
    TULLE_ASSERT(static_cast<std::size_t>(std::count(head.begin(), head.end(), '\n')) <=
                 tulle::node::kMaxHeaderFields + 2);
}

/// What of a client's offers is repeated in the answer must not be able to break it.
void take_offers(std::string_view bytes) {
    const auto is_plain = [](std::string_view text) {
        return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
    };
    if (const auto agreed = http::agree_on_deflate(bytes)) {
        TULLE_ASSERT(is_plain(agreed->text) && agreed->text.size() < 150);
    }
    const std::string_view subprotocol = tulle::node::pusher::choose_subprotocol(bytes);
    TULLE_ASSERT(subprotocol.empty() ||
                 (subprotocol.starts_with("pusher-channels-protocol-") && is_plain(subprotocol)));
}

/// The fields of a request to the admin listener, one in each line.
void guard_pages(std::string_view bytes) {
    static const http::PageGuard kGuard({"tulle-1"});
    std::string_view parts[4];
    for (std::string_view& part : parts) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        part = bytes.substr(0, end);
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
    const http::Provenance provenance{parts[0], parts[1], parts[2], parts[3], true};
    if (!kGuard.refuse(provenance)) {
        TULLE_ASSERT(parts[0].find('@') == std::string_view::npos && parts[0].find('/') == std::string_view::npos);
        TULLE_ASSERT(parts[1].size() == parts[0].size() + 7 || parts[1].size() == parts[0].size() + 8);
        TULLE_ASSERT(parts[2] == "none" || parts[2] == "same-origin");
        TULLE_ASSERT(parts[3].size() >= std::string_view("application/json").size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t head = http::head_size(bytes);
    TULLE_ASSERT(head <= size);
    for (std::size_t have = 1, searched = 0; have <= std::min<std::size_t>(size, 512); searched = have++) {
        const std::size_t found = http::head_size(bytes.substr(0, have), searched);
        TULLE_ASSERT(found == (have >= head ? head : 0));
        if (found != 0 || http::cannot_be_request(bytes.substr(0, have), searched)) {
            break;
        }
    }
    http::Head passed;
    http::Refusal refusal;
    if (head != 0 && http::check_head(bytes.substr(0, head), passed, refusal)) {
        check_passed(bytes.substr(0, head), passed);
        TULLE_ASSERT(!http::cannot_be_request(bytes.substr(0, head)));
    } else if (head != 0) {
        TULLE_ASSERT(refusal.status >= 400 && !refusal.reason.empty());
    }
    guard_pages(bytes);
    take_offers(bytes);
    return 0;
}
