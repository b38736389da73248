// A request of the HTTP API, the first line being its target and the rest its body, and the target of a WebSocket.
// Nothing that is not signed may do anything; the same request with a right signature is taken further.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/parse.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/base/digest.hpp"
#include "mesh/base/readable_json.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/auth.hpp"
#include "node/pusher/wire/connect.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/http_api.hpp"

namespace {

using namespace tulle::node::pusher;
using tulle::node::App;
using tulle::node::AppTable;
using tulle::node::HttpRequest;

constexpr tulle::WallSeconds kNow{std::chrono::seconds{1'700'000'000}};

const AppTable& apps() {
    static const AppTable kApps = [] {
        App app;
        app.id = "a";
        app.key = "k";
        app.secret = "s";
        return AppTable({app});
    }();
    return kApps;
}

void check_work(const ApiWork& work) {
    for (const PublishEvent& event : work.events) {
        TULLE_ASSERT(!event.channels.empty() && event.channels.size() <= tulle::node::kMaxPublishChannels);
        TULLE_ASSERT(event.body.size() <= tulle::node::kMaxEventBytes && event.retained <= event.channels.size());
        boost::system::error_code error;
        const std::string text = event_frame("a", event.body);
        boost::json::parse(tulle::readable_json(text).value_or(text), error);
        TULLE_ASSERT(!error);
    }
    TULLE_ASSERT(!work.events.empty() || !work.queries.empty());
}

/// With the method that the endpoint wants, and all that makes it authentic.
void sign_and_handle(const HttpRequest& given) {
    for (const std::string_view method : {"POST", "GET"}) {
        HttpRequest request = given;
        request.method = method;
        std::string query = "auth_key=k&auth_timestamp=1700000000&auth_version=1.0";
        if (!request.body.empty()) {
            query.append("&body_md5=").append(tulle::md5_hex(request.body));
        }
        const std::string path(request.path());
        const std::string signature = tulle::hmac_sha256_hex("s", std::string(method) + "\n" + path + "\n" + query);
        query.append("&auth_signature=").append(signature);
        request.target = path + "?" + query;
        const ApiAction action = handle(request, apps(), kNow);
        if (const auto* work = std::get_if<ApiWork>(&action)) {
            check_work(*work);
            TULLE_ASSERT(!refuse_head(request, apps(), kNow));
        } else {
            TULLE_ASSERT(std::get<Respond>(action).response.status != 401);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    HttpRequest request;
    request.target = std::string(bytes.substr(0, end));
    request.body = std::string(bytes.substr(std::min(end + 1, bytes.size())));
    if (const auto parameters = parse_query(request.query())) {
        TULLE_ASSERT(parameters->size() <= tulle::node::kMaxQueryParameters);
    }
    const Admission admission = admit(apps(), request.target);
    TULLE_ASSERT((admission.app == nullptr) == (admission.close_code != 0));
    TULLE_ASSERT(admission.app == nullptr || admission.app == app_of_target(apps(), request.target));
    if (!is_api_target(request.path())) {
        return 0;
    }
    for (const std::string_view method : {"POST", "GET", "OPTIONS"}) {
        request.method = method;
        TULLE_ASSERT(std::holds_alternative<Respond>(handle(request, apps(), kNow)));
        TULLE_ASSERT(refuse_head(request, apps(), kNow).has_value());
    }
    sign_and_handle(request);
    return 0;
}
