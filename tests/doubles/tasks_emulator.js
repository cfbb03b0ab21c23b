// Only the task queues of the Firebase Emulator Suite: without the rest of it, they start immediately.
const { TasksEmulator } = require("firebase-tools/lib/emulator/tasksEmulator");

const server = new TasksEmulator({}).createHubServer().listen(0, "127.0.0.1", () => {
  console.log(server.address().port);
});
