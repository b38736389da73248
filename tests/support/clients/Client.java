// The HTTP client of the JDK as it comes, which offers HTTP/2 with every request: java Client.java LISTEN ADMIN URL-OF-A-PUBLISH BODY
import java.net.Authenticator;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

public class Client {
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    static void send(String what, HttpRequest.Builder request) throws Exception {
        HttpResponse<String> answer = CLIENT.send(request.timeout(Duration.ofSeconds(10)).build(), HttpResponse.BodyHandlers.ofString());
        System.out.println(what + " " + answer.statusCode() + " " + answer.version());
    }

    public static void main(String[] arguments) throws Exception {
        String listen = arguments[0];
        String admin = arguments[1];
        send("up", HttpRequest.newBuilder(URI.create("http://" + listen + "/up")));
        send("ready", HttpRequest.newBuilder(URI.create("http://" + admin + "/ready")));
        for (int i = 0; i < 2; ++i) {
            send("publish", HttpRequest.newBuilder(URI.create(arguments[2])).header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(arguments[3])));
        }
        send("expecting", HttpRequest.newBuilder(URI.create(arguments[2])).expectContinue(true)
                .POST(HttpRequest.BodyPublishers.ofString(arguments[3])));
        send("chunked", HttpRequest.newBuilder(URI.create(arguments[2]))
                .POST(HttpRequest.BodyPublishers.ofInputStream(() -> new java.io.ByteArrayInputStream(arguments[3].getBytes()))));
        HttpClient withCredentials = HttpClient.newBuilder().authenticator(new Authenticator() {}).build();
        System.out.println("unsigned " + withCredentials.send(HttpRequest.newBuilder(URI.create("http://" + listen + "/apps/app-id/channels"))
                .timeout(Duration.ofSeconds(10)).build(), HttpResponse.BodyHandlers.ofString()).statusCode());
        CompletableFuture<String> greeting = new CompletableFuture<>();
        WebSocket socket = CLIENT.newWebSocketBuilder().subprotocols("pusher-channels-protocol-7")
                .buildAsync(URI.create("ws://" + listen + "/app/app-key?protocol=7"), new WebSocket.Listener() {
                    @Override
                    public CompletionStage<?> onText(WebSocket from, CharSequence text, boolean isLast) {
                        greeting.complete(text.toString());
                        return null;
                    }
                }).get(10, TimeUnit.SECONDS);
        System.out.println("websocket " + socket.getSubprotocol() + " " + greeting.get(10, TimeUnit.SECONDS));
        socket.abort();
        System.exit(0);
    }
}
