// A receiver of signed webhooks in Java 17 or later. It needs Gson, because Java itself reads no JSON:
//   WEBHOOK_SECRET=whsec_… INBOX=inbox PORT=8080 java -cp /usr/share/java/gson.jar Receiver.java
// The artifact `com.standardwebhooks:standardwebhooks` of Maven Central has what `verify` does here.
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.UUID;
import java.util.concurrent.Executors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receiver {
    /** Bytes; a notification has a little more than 1 MiB at most. */
    private static final int LIMIT = 2 * 1024 * 1024;

    private static final byte[] KEY =
            Base64.getDecoder().decode(System.getenv("WEBHOOK_SECRET").replaceFirst("^whsec_", ""));
    private static final Path INBOX = Path.of(System.getenv().getOrDefault("INBOX", "inbox"));

    private record Answer(int status, String reason) {}

    public static void main(String[] args) throws IOException {
        Files.createDirectories(INBOX);
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.setExecutor(Executors.newFixedThreadPool(8));
        server.createContext("/", Receiver::handle);
        server.start();
    }

    private static void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            Answer answer;
            try {
                answer = receive(exchange);
            } catch (IOException | GeneralSecurityException error) {
                // Not kept: kazoo-relay sends it again.
                System.err.println(error);
                answer = new Answer(503, "it could not be kept");
            }
            byte[] reason = answer.reason().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(answer.status(), reason.length == 0 ? -1 : reason.length);
            if (reason.length > 0) exchange.getResponseBody().write(reason);
        }
    }

    /** The status of the answer, and why. */
    private static Answer receive(HttpExchange exchange) throws IOException, GeneralSecurityException {
        if (!exchange.getRequestMethod().equals("POST")) return new Answer(405, "only POST");
        InputStream input = exchange.getRequestBody();
        byte[] body = input.readNBytes(LIMIT + 1);
        if (body.length > LIMIT) {
            // To its end, so that the sender sees the answer.
            input.transferTo(OutputStream.nullOutputStream());
            return new Answer(413, "too large");
        }
        String problem = verify(exchange.getRequestHeaders(), body);
        if (problem != null) return new Answer(401, problem);
        String id = exchange.getRequestHeaders().getFirst("webhook-id");
        if (!id.matches("[0-9A-Za-z_-]{1,100}")) return new Answer(400, "webhook-id is no name of a file");
        try {
            var json = JsonParser.parseString(new String(body, StandardCharsets.UTF_8));
            if (!json.isJsonObject() && !json.isJsonArray()) return new Answer(400, "not JSON");
        } catch (JsonParseException error) {
            return new Answer(400, "not JSON");
        }
        keep(id, body);
        return new Answer(204, "");
    }

    /** Why the request isn't kazoo-relay's, or null. */
    private static String verify(Headers headers, byte[] body) throws GeneralSecurityException {
        String id = headers.getFirst("webhook-id");
        String sent = headers.getFirst("webhook-timestamp");
        String signatures = headers.getFirst("webhook-signature");
        if (id == null || sent == null || signatures == null) return "it is not signed";
        if (!sent.matches("[0-9]{1,12}") || Math.abs(Instant.now().getEpochSecond() - Long.parseLong(sent)) > 300) {
            return "webhook-timestamp is more than five minutes away";
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(KEY, "HmacSHA256"));
        mac.update((id + "." + sent + ".").getBytes(StandardCharsets.ISO_8859_1));
        byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(StandardCharsets.US_ASCII);
        // One for each secret, while an old one is replaced.
        for (String signature : signatures.split(" ")) {
            if (MessageDigest.isEqual(expected, signature.getBytes(StandardCharsets.ISO_8859_1))) return null;
        }
        return "no signature fits";
    }

    /** The file appears whole and only once, however often the notification comes; what reads the inbox does the rest. */
    private static void keep(String id, byte[] body) throws IOException {
        Path file = INBOX.resolve(id + ".json");
        if (Files.exists(file)) return;
        Path part = INBOX.resolve(UUID.randomUUID() + ".part");
        try (FileChannel channel = FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.wrap(body);
            while (buffer.hasRemaining()) channel.write(buffer);
            channel.force(true);
        }
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        System.out.println("kept " + id);
    }
}
