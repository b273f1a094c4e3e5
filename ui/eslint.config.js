// Lint rules: typescript-eslint's strict set; generated types are not ours to style.
import tseslint from "typescript-eslint";
import hooks from "eslint-plugin-react-hooks";

export default tseslint.config(
  { ignores: ["dist", "src/backend/generated"] },
  ...tseslint.configs.strict,
  { plugins: { "react-hooks": hooks }, rules: {
      ...hooks.configs.recommended.rules,
      // The React Compiler is not used, so what it would skip does not matter.
      "react-hooks/incompatible-library": "off",
    } },
);
