#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/core/node/port.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/web/http_service.hpp"

namespace tulle::node {

/// What an order of the demonstration page does to a node.
enum class DemoOrder { kKill, kStart };

/// The pages of the demo mode, served beside the API. An empty page means: the demo is off.
struct DemoContent {
    std::string page;
    /// Of the default app for loopback. Only this app's credentials are public.
    std::string app_key;
    std::string app_secret;
    /// Passes an order on to the program that has started the nodes; false: that program takes no order now. Empty
    /// unless such a program takes orders. Thread: any.
    std::function<bool(DemoOrder, std::string_view node)> order;
};

/// The demonstration: the page, the members of the mesh for the page, and the orders of the page.
///
/// The page is loaded from one node and goes on when that node is killed, so it asks the other nodes too, which are
/// other origins. A node that takes orders therefore answers any page of this machine's loopback, and nobody else.
///
/// Thread: the shard's.
/// Errors: every function returns the answer to give.
class DemoPages {
public:
    /// `content` and `apps` outlive this object.
    DemoPages(const DemoContent& content, const AppTable& apps) : content_(content), apps_(apps) {}

    [[nodiscard]] bool is_on() const { return !content_.page.empty(); }
    /// True for the path of the question for the members.
    [[nodiscard]] bool asks_members(std::string_view path) const;
    /// True for the paths of orders; they are requested by POST.
    [[nodiscard]] bool is_order(std::string_view path) const;
    /// The refusal of a request from anywhere but loopback, while this node takes orders; nothing: the request may
    /// pass.
    [[nodiscard]] std::optional<HttpResponse> refuse(const UpgradeRequest& request) const;
    /// The page itself.
    [[nodiscard]] HttpResponse page() const;
    /// The answer to the question for the members.
    [[nodiscard]] HttpResponse members(const mesh::StatusReply& reply) const;
    /// Carries out "/demo/kill?node=NAME" or "/demo/start?node=NAME". REQUIRES: is_order(request.path()).
    [[nodiscard]] HttpResponse obey(const HttpRequest& request) const;

private:
    /// Lets pages of the other nodes read the answer, while this node takes orders.
    void open(HttpResponse& response) const;

    const DemoContent& content_;
    const AppTable& apps_;
};

}  // namespace tulle::node
