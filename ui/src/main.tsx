// Picks the host's backend and shows the window.
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { httpBackend } from "./backend/http";
import { tauriBackend } from "./backend/tauri";
import "./theme/theme.css";

const backend = "__TAURI_INTERNALS__" in window ? tauriBackend() : httpBackend();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App backend={backend} />);
